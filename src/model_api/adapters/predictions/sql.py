"""The statements of the prediction tables."""

RECORD = """
WITH incoming AS MATERIALIZED (
    SELECT frame.*, prediction.*
    FROM ROWS FROM (
        json_to_recordset($1::json) AS (prediction json, sealed_text json)
    ) WITH ORDINALITY AS frame (event, sealed_text, place)
    CROSS JOIN LATERAL json_to_record(frame.event) AS prediction (
        id uuid, tenant text, created_at timestamptz, subject_fingerprint text, session text,
        decision text, would_be_decision text, score float8, categories json, spans json,
        signals json, model_name text, model_version text, model_digest text, model_role text,
        policy_name text, policy_version int, mode text, degraded text, latency_us bigint,
        text_fingerprint text, text_length int, request_id text, key_id text
    )
), recorded AS (
    INSERT INTO predictions (
        tenant, id, created_at, subject_fingerprint, session, decision, would_be_decision, score,
        categories, spans, signals, model_name, model_version, model_digest, model_role,
        policy_name, policy_version, mode, degraded, latency_us, text_fingerprint, text_length,
        request_id, key_id
    )
    SELECT
        tenant, id, created_at, decode(subject_fingerprint, 'base64'), session, decision,
        would_be_decision, score, categories, spans, signals, model_name, model_version,
        model_digest, coalesce(model_role, 'champion'), policy_name, policy_version, mode,
        degraded, latency_us, decode(text_fingerprint, 'base64'), text_length, request_id, key_id
    FROM incoming
    ORDER BY place
    ON CONFLICT (tenant, id) DO NOTHING
    RETURNING tenant, id
), announced AS (
    INSERT INTO outbox (id, stream, type, tenant, data)
    SELECT event_id, $4, $5, tenant, batch.data
    FROM (
        SELECT tenant, json_build_object('predictions', json_agg(event ORDER BY place)) AS data
        FROM incoming JOIN recorded USING (tenant, id)
        GROUP BY tenant
    ) AS batch
    JOIN unnest($2::text[], $3::uuid[]) AS given (tenant, event_id) USING (tenant)
)
SELECT count(*), (SELECT pg_notify('model_api_outbox', '') WHERE $6) FROM recorded
"""
"""Insert frames and, for those that were not there yet, one event a tenant: one statement, so one
transaction and one trip. $1 frames as a JSON array, $2 tenants, $3 an event id for each, $4 stream,
$5 type, $6 whether to wake the relay. The event carries the frame's own JSON, so that a replay
announces what was answered. A frame spooled before there were roles has none."""

RECORD_TEXTS = """
WITH incoming AS MATERIALIZED (
    SELECT frame.id, frame.tenant, sealed.*
    FROM json_to_recordset($1::json) AS outer_frame (prediction json, sealed_text json)
    CROSS JOIN LATERAL json_to_record(prediction) AS frame (id uuid, tenant text)
    CROSS JOIN LATERAL json_to_record(sealed_text) AS sealed (
        ciphertext text, key_id uuid, wrapped_key text, master_key_id text,
        subject_fingerprint text
    )
    WHERE sealed.key_id IS NOT NULL
), keys AS (
    INSERT INTO subject_keys (id, tenant, subject_fingerprint, wrapped_key, master_key_id)
    SELECT DISTINCT ON (key_id)
        key_id, tenant, decode(subject_fingerprint, 'base64'), decode(wrapped_key, 'base64'),
        decode(master_key_id, 'base64')
    FROM incoming
    ON CONFLICT (id) DO NOTHING
)
INSERT INTO prediction_texts (tenant, prediction_id, subject_key_id, ciphertext)
SELECT tenant, id, key_id, decode(ciphertext, 'base64')
FROM incoming
WHERE NOT EXISTS (
    SELECT FROM subject_keys WHERE subject_keys.id = key_id AND forgotten_at IS NOT NULL
)
ON CONFLICT (tenant, prediction_id) DO NOTHING
"""
"""Insert the texts of frames that carry one, with their keys, unless a key has been forgotten."""

GET = """
SELECT
    id, tenant, created_at, subject_fingerprint, session, decision, would_be_decision, score,
    categories, spans, signals, model_name, model_version, model_digest, model_role, policy_name,
    policy_version, mode, degraded, latency_us, text_fingerprint, text_length, request_id, key_id
FROM predictions
WHERE tenant = $1 AND id = $2
"""

PAGE = """
SELECT
    id, tenant, created_at, subject_fingerprint, session, decision, would_be_decision, score,
    categories, spans, signals, model_name, model_version, model_digest, model_role, policy_name,
    policy_version, mode, degraded, latency_us, text_fingerprint, text_length, request_id, key_id
FROM predictions
WHERE tenant = $1 AND id < $2 AND id >= $3 AND created_at >= $4 AND decision = ANY($5::text[])
ORDER BY id DESC
LIMIT $6
"""
"""The newest first. Bounds that do not apply are given as the extreme values, never as NULL, so
that one plan, a backward scan of the primary key, serves every page."""

TEXTS = """
SELECT
    prediction_id, ciphertext, subject_keys.id AS key_id, subject_fingerprint, wrapped_key,
    master_key_id
FROM prediction_texts JOIN subject_keys
    ON subject_keys.id = subject_key_id AND subject_keys.tenant = prediction_texts.tenant
WHERE prediction_texts.tenant = $1 AND prediction_id = ANY($2::uuid[]) AND wrapped_key IS NOT NULL
"""

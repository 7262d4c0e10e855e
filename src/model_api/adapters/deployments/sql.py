"""The statements of the deployment counters."""

WRITE = """
WITH counted AS (
    INSERT INTO deployment_counters (
        model, at, version, role, batch, seconds, predictions, errors, blocked, flagged,
        latency_us, latencies, compared, disagreements
    )
    SELECT
        $1, to_timestamp(second.at), second.version, second.role, $2, 1, tally.predictions,
        tally.errors, tally.blocked, tally.flagged, tally.latency_us, tally.latencies,
        tally.compared, tally.disagreements
    FROM json_to_recordset($3::json) AS second (at bigint, version text, role text, tally json)
    CROSS JOIN LATERAL json_to_record(second.tally) AS tally (
        predictions bigint, errors bigint, blocked bigint, flagged bigint, latency_us bigint,
        latencies jsonb, compared bigint, disagreements bigint
    )
    ON CONFLICT DO NOTHING
)
INSERT INTO deployment_disagreements (
    model, id, tenant, prediction_id, at, version, decision, score, champion_version,
    champion_decision, champion_score
)
SELECT $1, each.*
FROM json_to_recordset($4::json) AS each (
    id uuid, tenant text, prediction_id uuid, at timestamptz, version text, decision text,
    score float8, champion_version text, champion_decision text, champion_score float8
)
ON CONFLICT DO NOTHING
"""
"""$1 model, $2 batch, $3 seconds as a JSON array, $4 disagreements likewise."""

SPAN = """
SELECT
    since, greatest(since, date_trunc('second', clock_timestamp()) - interval '1 second') AS until
FROM (
    SELECT date_trunc('second', $1::timestamptz + interval '999999 microseconds') AS since
) AS whole
"""
"""By the database's clock, so that all replicas' readers agree. The last second that is over may
still be on its way here."""

SUMS = """
SELECT
    version, role, sum(predictions)::bigint AS predictions, sum(errors)::bigint AS errors,
    sum(blocked)::bigint AS blocked, sum(flagged)::bigint AS flagged,
    sum(latency_us)::bigint AS latency_us, sum(compared)::bigint AS compared,
    sum(disagreements)::bigint AS disagreements
FROM deployment_counters
WHERE model = $1 AND at >= $2 AND at < $3
GROUP BY version, role
"""

LATENCIES = """
SELECT version, role, bucket.key::int AS bucket, sum(bucket.value::bigint)::bigint AS count
FROM deployment_counters CROSS JOIN LATERAL jsonb_each_text(latencies) AS bucket
WHERE model = $1 AND at >= $2 AND at < $3
GROUP BY version, role, bucket.key
"""

FEEDBACK = """
SELECT
    model_version AS version, model_role AS role, count(*) AS total,
    count(*) FILTER (
        WHERE (label = 'attack') = (would_be_decision = 'allow')
    ) AS contradicting
FROM feedback JOIN predictions
    ON predictions.tenant = feedback.tenant AND predictions.id = feedback.prediction_id
WHERE model_name = $1 AND feedback.created_at >= $2 AND feedback.created_at < $3
    AND NOT EXISTS (
        SELECT FROM feedback AS later
        WHERE later.tenant = feedback.tenant AND later.prediction_id = feedback.prediction_id
            AND later.id > feedback.id AND later.created_at < $3
    )
GROUP BY model_version, model_role
"""
"""The latest opinion on a prediction counts, so that nobody outweighs the others by repetition."""

TRY_TIDY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('model_api.deployment_counters'))"

ROLL_UP = """
WITH old AS (
    DELETE FROM deployment_counters
    WHERE seconds = 1 AND at < date_trunc('minute', now() - $1::interval)
    RETURNING *
), minutes AS (
    SELECT
        model, date_trunc('minute', at) AS minute, version, role, gen_random_uuid() AS batch,
        sum(predictions) AS predictions, sum(errors) AS errors, sum(blocked) AS blocked,
        sum(flagged) AS flagged, sum(latency_us) AS latency_us, sum(compared) AS compared,
        sum(disagreements) AS disagreements
    FROM old
    GROUP BY model, minute, version, role
), histograms AS (
    SELECT model, minute, version, role, jsonb_object_agg(bucket, count) AS latencies
    FROM (
        SELECT
            model, date_trunc('minute', at) AS minute, version, role, key AS bucket,
            sum(value::bigint) AS count
        FROM old CROSS JOIN LATERAL jsonb_each_text(latencies)
        GROUP BY model, minute, version, role, key
    ) AS buckets
    GROUP BY model, minute, version, role
)
INSERT INTO deployment_counters (
    model, at, version, role, batch, seconds, predictions, errors, blocked, flagged, latency_us,
    latencies, compared, disagreements
)
SELECT
    model, minute, version, role, batch, 60, predictions, errors, blocked, flagged, latency_us,
    coalesce(latencies, '{}'), compared, disagreements
FROM minutes LEFT JOIN histograms USING (model, minute, version, role)
"""
"""Of seconds that are older than $1, one row a minute, under a batch of its own: what a replica
writes later about the same minute is added beside it."""

FORGET_COUNTERS = "DELETE FROM deployment_counters WHERE at < now() - $1::interval"

FORGET_DISAGREEMENTS = "DELETE FROM deployment_disagreements WHERE at < now() - $1::interval"

_DISAGREEMENTS = """
SELECT
    id, tenant, prediction_id, at, version, decision, score, champion_version, champion_decision,
    champion_score
FROM deployment_disagreements
WHERE model = $1 AND id < $2 AND ($3::text IS NULL OR version = $3)"""

ALL_DISAGREEMENTS = f"{_DISAGREEMENTS} ORDER BY id DESC LIMIT $4"
DISAGREEMENTS_OF_TENANT = f"{_DISAGREEMENTS} AND tenant = $5 ORDER BY id DESC LIMIT $4"

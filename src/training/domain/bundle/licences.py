"""Under which licence each known source of training texts came."""

from collections.abc import Iterable, Mapping

# SPDX identifiers. "permissive": MIT, Apache-2.0 or CC0-1.0, not told apart in the collection.
KNOWN_LICENCES = {
    "authored_attacks": "written for this project",
    "authored_everyday": "written for this project",
    "authored_hard_negatives": "written for this project",
    "awesome_prompts": "CC0-1.0",
    "bipia_code_attack_train": "MIT",
    "bipia_context_train": "MIT",
    "bipia_text_attack_train": "MIT",
    "compass_attack": "permissive",
    "deepset_train": "Apache-2.0",
    "gandalf_previews": "Apache-2.0",
    "giskard_pi": "permissive",
    "gptfuzzer_templates": "permissive",
    "gpteacher_codegen": "MIT",
    "gpteacher_roleplay": "MIT",
    "gpteacher_toolformer": "MIT",
    "gsm8k_train": "permissive",
    "indirect_embedded_train": "MIT",
    "inthewild_jailbreak": "MIT",
    "inthewild_regular_cleaned": "MIT",
    "jackhhao_jailbreak": "Apache-2.0",
    "langkit_themes": "permissive",
    "oasst_en": "Apache-2.0",
    "pallms": "permissive",
    "self_instruct_seeds": "Apache-2.0",
    "self_instruct_user": "Apache-2.0",
    "selfreminder_jailbreak": "permissive",
    "t0_sample": "Apache-2.0",
    "tasktracker_triggers_train": "MIT",
}


def licences_of(sources: Iterable[str], stated: Mapping[str, str]) -> dict[str, str]:
    """The licence of each source, `stated` before what is known; sorted by source.

    Raises ValueError that names the sources whose licence nobody has said: a model whose data
    has no known licence cannot be shipped.
    """
    known = {**KNOWN_LICENCES, **stated}
    wanted = sorted(set(sources))
    unknown = [source for source in wanted if source not in known]
    if unknown:
        raise ValueError(f"no licence is known for: {', '.join(unknown)}")
    return {source: known[source] for source in wanted}

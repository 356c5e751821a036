# The whole workflow: raw molecules in, a checked and readable set of generated molecules out.
#
#   snakemake --profile workflows/profiles/local --configfile workflows/config/demo.yaml
#
# docs/workflow.md explains configuration, shards, resuming and clusters.
from snakemake.utils import min_version

min_version("9.5")

if not workflow.overwrite_configfiles:

    configfile: f"{workflow.current_basedir}/workflows/config/demo.yaml"


include: "workflows/settings.smk"
include: "workflows/featurize.smk"
include: "workflows/train.smk"
include: "workflows/sample.smk"
include: "workflows/check.smk"
include: "workflows/rank.smk"
include: "workflows/report.smk"


localrules:
    all,


rule all:
    default_target: True
    input:
        rules.report.output,
        # All files that are kept; otherwise a removed file would not be made again while the report exists.
        rules.merge_featurized.output,
        rules.train.output,
        rules.merge_samples.output,
        rules.merge_checks.output,
        rules.rank.output if CONFIG.rank.n > 0 else [],
        rules.gate.output if CONFIG.check.min_valid > 0 else [],

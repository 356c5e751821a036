localrules:
    gate,


rule check:
    input:
        rules.merge_featurized.output,
        samples=rules.merge_samples.output.molecules,
        dataset_info=rules.merge_featurized.output.info,
    output:
        part=temp(directory(f"{SHARDS}/check/{{scatteritem}}")),
    log:
        f"{LOGS}/check/{{scatteritem}}.log",
    benchmark:
        f"{BENCHMARKS}/check/{{scatteritem}}.tsv"
    conda:
        "environment.yaml"
    threads: cores(CONFIG.sample.shards)
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        options=section("check"),
        dataset=subpath(input.dataset_info, parent=True),
    shell:
        "moldiff --log {log:q} check {input.samples:q} --options {params.options:q} --shard {wildcards.scatteritem}"
        " --workers {threads} --train {params.dataset:q} --out {output.part:q}"


rule merge_checks:
    input:
        rules.merge_featurized.output,
        parts=gather.check(f"{SHARDS}/check/{{scatteritem}}"),
        dataset_info=rules.merge_featurized.output.info,
    output:
        table=ensure(f"{RUN}/check/rows.parquet", non_empty=True),
        rows=ensure(
            report(
                f"{RUN}/check/rows.csv",
                caption="report/rows.rst",
                category="Generated molecules",
            ),
            non_empty=True,
        ),
        summary=ensure(f"{RUN}/check/summary.json", non_empty=True),
    log:
        f"{LOGS}/merge_checks.log",
    benchmark:
        f"{BENCHMARKS}/merge_checks.tsv"
    conda:
        "environment.yaml"
    threads: cores(1)
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        options=section("check"),
        dataset=subpath(input.dataset_info, parent=True),
        folder=subpath(output.summary, parent=True),
    shell:
        "moldiff --log {log:q} merge check {input.parts:q} --options {params.options:q}"
        " --workers {threads} --train {params.dataset:q} --out {params.folder:q}"


# After the report, so that a run that falls below the wanted share still shows why.
rule gate:
    input:
        summary=rules.merge_checks.output.summary,
        report=f"{RUN}/report.html",
    output:
        passed=touch(f"{RUN}/passed"),
    log:
        f"{LOGS}/gate.log",
    benchmark:
        f"{BENCHMARKS}/gate.tsv"
    conda:
        "environment.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 500 * attempt,
        runtime=5,
    params:
        folder=subpath(input.summary, parent=True),
        min_valid=CONFIG.check.min_valid,
    shell:
        "moldiff --log {log:q} gate {params.folder:q} --min-valid {params.min_valid}"

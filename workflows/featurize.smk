rule featurize:
    input:
        raw_files(),
    output:
        part=temp(directory(f"{SHARDS}/featurize/{{scatteritem}}")),
    log:
        f"{LOGS}/featurize/{{scatteritem}}.log",
    benchmark:
        f"{BENCHMARKS}/featurize/{{scatteritem}}.tsv"
    conda:
        "environment.yaml"
    threads: cores(CONFIG.featurize.shards)
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        options=section("featurize"),
    shell:
        "moldiff --log {log:q} featurize --options {params.options:q} --shard {wildcards.scatteritem}"
        " --workers {threads} --out {output.part:q}"


rule merge_featurized:
    input:
        parts=gather.featurize(f"{SHARDS}/featurize/{{scatteritem}}"),
    output:
        arrays=ensure(f"{RUN}/dataset/arrays.safetensors", non_empty=True),
        molecules=ensure(f"{RUN}/dataset/molecules.parquet", non_empty=True),
        info=ensure(f"{RUN}/dataset/dataset.json", non_empty=True),
        rejected=ensure(
            report(
                f"{RUN}/dataset/rejected.csv",
                caption="report/rejected.rst",
                category="Dataset",
            ),
            non_empty=True,
        ),
    log:
        f"{LOGS}/merge_featurized.log",
    benchmark:
        f"{BENCHMARKS}/merge_featurized.tsv"
    conda:
        "environment.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        options=section("featurize"),
        folder=subpath(output.info, parent=True),
    shell:
        "moldiff --log {log:q} merge featurize {input.parts:q} --options {params.options:q} --out {params.folder:q}"

rule sample:
    input:
        weights=rules.train.output.weights,
        parts=CONFIG.sample.parts,
        known=known_rings(),
    output:
        molecules=temp(f"{SHARDS}/sample/{{scatteritem}}.sdf"),
        summary=temp(f"{SHARDS}/sample/{{scatteritem}}.json"),
    log:
        f"{LOGS}/sample/{{scatteritem}}.log",
    benchmark:
        f"{BENCHMARKS}/sample/{{scatteritem}}.tsv"
    conda:
        "environment.yaml"
    threads: cores(CONFIG.sample.shards, CONFIG.sample.threads, most=2)
    resources:
        mem_mb=lambda wildcards, attempt: 3000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    params:
        options=section("sample"),
        rings=lambda wildcards, input: [
            part
            for file in input.known
            for part in ("--rings-of", os.path.dirname(file))
        ],
    shell:
        "moldiff --log {log:q} sample {input.weights:q} --options {params.options:q} --shard {wildcards.scatteritem}"
        " {params.rings:q}"
        " --threads {threads} --out {output.molecules:q}"


rule merge_samples:
    input:
        parts=gather.sample(f"{SHARDS}/sample/{{scatteritem}}.sdf"),
        summaries=gather.sample(f"{SHARDS}/sample/{{scatteritem}}.json"),
    output:
        molecules=f"{RUN}/samples.sdf",
        summary=ensure(f"{RUN}/samples.json", non_empty=True),
    log:
        f"{LOGS}/merge_samples.log",
    benchmark:
        f"{BENCHMARKS}/merge_samples.tsv"
    conda:
        "environment.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        options=section("sample"),
    shell:
        "moldiff --log {log:q} merge sample {input.parts:q} --out {output.molecules:q}"

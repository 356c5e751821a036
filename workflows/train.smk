rule train:
    input:
        rules.merge_featurized.output,
        dataset_info=rules.merge_featurized.output.info,
    output:
        weights=ensure(f"{RUN}/training/model.safetensors", non_empty=True),
        metrics=ensure(
            report(
                f"{RUN}/training/metrics.csv",
                caption="report/metrics.rst",
                category="Training",
            ),
            non_empty=True,
        ),
        summary=ensure(f"{RUN}/training/train.json", non_empty=True),
    log:
        f"{LOGS}/train.log",
    benchmark:
        f"{BENCHMARKS}/train.tsv"
    conda:
        "environment.yaml"
    threads: cores(1, CONFIG.train.threads, away=4) * CONFIG.train.devices
    resources:
        mem_mb=lambda wildcards, attempt: 6000 * attempt,
        # not longer with each attempt: it goes on where it was, and no partition's limit is passed
        runtime=round(30 + 1.2 * (CONFIG.train.minutes or 690)),
    params:
        options=section("train"),
        weights=started_weights(),
        refused=refused_molecules(),
        devices=CONFIG.train.devices,
        dataset=subpath(input.dataset_info, parent=True),
        folder=subpath(output.weights, parent=True),
        # Snakemake deletes the outputs of a failed job; what a killed training resumes from is therefore no output.
        run=subpath(output.weights, ancestor=2),
        state=training_state(),
    shell:
        "moldiff --log {log:q} train {params.dataset:q} --options {params.options:q} --state {params.run:q}/state/{params.state}-$(sha256sum < {input.dataset_info:q} | cut -c1-8)"
        " --threads $(( {threads} / {params.devices} )) --out {params.folder:q}"

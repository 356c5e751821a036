rule report:
    input:
        rules.merge_featurized.output,
        rules.train.output,
        rules.merge_checks.output,
        dataset_info=rules.merge_featurized.output.info,
        training_summary=rules.train.output.summary,
        samples=rules.merge_samples.output.molecules,
        summary=rules.merge_samples.output.summary,
        check_summary=rules.merge_checks.output.summary,
    output:
        page=ensure(
            report(
                f"{RUN}/report.html",
                caption="report/page.rst",
                category="Report",
            ),
            non_empty=True,
        ),
    log:
        f"{LOGS}/report.log",
    benchmark:
        f"{BENCHMARKS}/report.tsv"
    conda:
        "environment.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        options=section("report"),
        config=whole_run(),
        dataset=subpath(input.dataset_info, parent=True),
        training=subpath(input.training_summary, parent=True),
        check=subpath(input.check_summary, parent=True),
        run=subpath(output.page, parent=True),
    shell:
        "moldiff --log {log:q} report --dataset {params.dataset:q} --training {params.training:q}"
        " --samples {input.samples:q} --check {params.check:q} --options {params.options:q}"
        " --benchmarks {params.run:q}/benchmarks --config {params.config:q} --out {output.page:q}"

rule rank:
    input:
        ranking_files(),
        samples=rules.merge_samples.output.molecules,
        table=rules.merge_checks.output.table,
        summary=rules.merge_checks.output.summary,
    output:
        # Empty if nothing passes the filters; candidates.csv says why.
        molecules=f"{RUN}/shortlist/shortlist.sdf",
        rows=report(
            f"{RUN}/shortlist/shortlist.csv",
            caption="report/shortlist.rst",
            category="Generated molecules",
        ),
        candidates=ensure(f"{RUN}/shortlist/candidates.csv", non_empty=True),
        summary=ensure(f"{RUN}/shortlist/rank.json", non_empty=True),
    log:
        f"{LOGS}/rank.log",
    benchmark:
        f"{BENCHMARKS}/rank.tsv"
    conda:
        "environment.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        options=section("rank"),
        check=subpath(input.summary, parent=True),
        folder=subpath(output.summary, parent=True),
    shell:
        "moldiff --log {log:q} rank {params.check:q} --input {input.samples:q} --options {params.options:q}"
        " --out {params.folder:q}"

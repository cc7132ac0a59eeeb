"""Jobs about `elliptio ui`: its first page, a page of a large lake, of many runs, a long lineage and a large file."""

from __future__ import annotations

from benchmarks.model import Bar, Job, Scale, Side

MLFLOW = "a page without rows, and the 100 runs that its script asks for then; no counts, no facets, no browser"


def ui(scale: Scale) -> list[Job]:
    compared = max(documents for documents in scale.documents if documents <= 100_000)
    jobs = [first_page(compared, scale, (Side("MLflow", "mlflow", "first_page", leaves_out=MLFLOW),))]
    if scale.documents[-1] > compared:
        jobs.append(first_page(scale.documents[-1], scale))
    return [*jobs, *pages(scale.documents[-1], scale), *lineages(scale), *looking_into(scale)]


def first_page(documents: int, scale: Scale, peers: tuple[Side, ...] = ()) -> Job:
    """The larger lake has a side with a tenth as many artifacts: what a page costs must hardly depend on the rest."""
    fewer = Side(f"elliptio, {max(1, documents // 10):,} artifacts", "ui", "first_page_of_fewer", "part")
    bars = [Bar("0.8 s", plus=0.8), Bar("1.2 × with a tenth as many", 1.2, (fewer.name,))]
    if peers:
        bars.append(Bar("1/15 of MLflow", 1 / 15, ("MLflow",)))
    return Job(
        f"ui-first-{documents}",
        f"elliptio ui: from its start to a page of 100 of {documents:,} artifacts",
        (_ours("first_page"), fewer, *peers),
        tuple(bars),
        documents=documents, rounds=scale.rounds,
    )  # fmt: skip


def pages(documents: int, scale: Scale) -> list[Job]:
    return [
        Job(
            f"ui-page-{documents}",
            f"elliptio ui: the next 100 of {documents:,} artifacts, with numbers beside values; bars follow",
            (_ours("older_pages"),),
            (Bar("50 ms", plus=0.05),),
            documents=documents, rounds=scale.rounds, times=10,
        ),
        Job(
            f"ui-crawl-{documents}",
            f"elliptio ui: {scale.pages:,} pages of a lake of {documents:,} artifacts",
            (_ours("crawl"),),
            (Bar("50 ms a page", plus=0.05 * scale.pages), Bar("100 MB of memory", plus=100, unit="MB")),
            count=scale.pages, documents=documents, rounds=1,
        ),
    ]  # fmt: skip


def lineages(scale: Scale) -> list[Job]:
    chain = max(documents for documents in scale.documents if documents <= 100_000)
    return [
        Job(
            "ui-lineage-tree",
            f"elliptio ui: the lineage of {scale.drawn:,} artifacts in a picture",
            (_ours("lineage_of_a_tree"),),
            (Bar("50 ms", plus=0.05),),
            documents=scale.drawn, rounds=scale.rounds, times=3,
        ),
        Job(
            "ui-lineage-chain",
            f"elliptio ui: the lineage amid a chain of {chain:,}, and what is left out of it",
            (_ours("lineage_of_a_chain"),),
            (Bar("1 s", plus=1),),
            documents=chain, rounds=scale.rounds,
        ),
    ]  # fmt: skip


def looking_into(scale: Scale) -> list[Job]:
    return [
        Job(
            "ui-charts",
            f"elliptio ui: four metrics of a run among {scale.charted:,} of its name, {scale.points:,} points each",
            (_ours("charts"),),
            (Bar("0.5 s", plus=0.5),),
            count=scale.charted, documents=scale.points, rounds=scale.rounds,
        ),
        Job(
            "ui-preview",
            "elliptio ui: the beginning of a table of 10 GB",
            (_ours("preview"),),
            (Bar("0.5 s", plus=0.5),),
            size=10**10, rounds=scale.rounds,
        ),
    ]  # fmt: skip


def _ours(function: str) -> Side:
    return Side("elliptio", "ui", function, "ours")

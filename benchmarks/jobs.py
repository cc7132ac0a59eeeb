"""Which jobs are timed, who does each, and what elliptio is to reach."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.flow_jobs import flows
from benchmarks.model import KB, MB, Bar, Job, Limit, Scale, Side, floor, ours, part, size
from benchmarks.model_jobs import models
from benchmarks.pipeline_jobs import pipelines
from benchmarks.ui_jobs import ui

PEERS = (("MLflow", "mlflow"), ("DVC", "dvc"), ("LaminDB", "lamindb"), ("W&B offline", "wandb"))
INDEXED = ("MLflow", "DVC", "LaminDB")

MLFLOW = "no hash, no flush"
DVC = "md5; no flush; no query over metadata"
LAMINDB = "md5; no flush"
ENDS = "; of this file only the first and last 50 MiB are hashed"
S5CMD = "no hash kept, no index"
WANDB = "only staged for a later upload: no index, no flush; md5"


def jobs(scale: Scale) -> list[Job]:
    found = [*starting(scale), *saving(scale), *finding(scale), *on_s3(scale), *growing(scale)]
    found += [*pipelines(scale), *flows(scale), *models(scale), *ui(scale)]
    return [against_peers(job) for job in found]


def against_peers(job: Job) -> Job:
    """Add to the bars of a job that none of the peers may be faster."""
    peers = tuple(side.name for side in job.sides if side.kind == "peer")
    return replace(job, bars=(*job.bars, Bar("the fastest peer", 1, peers))) if peers else job


def starting(scale: Scale) -> list[Job]:
    peers = [Side(name, module, "import_it") for name, module in PEERS]
    return [
        Job(
            "import",
            "import",
            (ours("import_it"), floor("pymongo", "import_pymongo"), part("python -c pass", "import_nothing"), *peers),
            (Bar("0.5 × import pymongo", 0.5, ("pymongo",)),),
            rounds=scale.rounds,
        ),
        Job(
            "help",
            "elliptio --help",
            (ours("show_help"), part("python -c pass", "import_nothing")),
            (Bar("2 × python -c pass + 100 ms", 2, ("python -c pass",), plus=0.1),),
            rounds=scale.rounds * 3,
        ),
    ]


def local_peers(job: str, *, large: bool = False) -> tuple[Side, ...]:
    """Peers that save to a folder; hashing is most of the work for a large file, so without it one does a part."""
    kind, ends = ("partial", ENDS) if large else ("peer", "")
    return (
        Side("MLflow", "mlflow", job, kind, MLFLOW),
        Side("DVC", "dvc", job, "peer", DVC),
        Side("LaminDB", "lamindb", job, kind, LAMINDB + ends),
        Side("W&B offline", "wandb", job, "partial", WANDB),
    )


def saving(scale: Scale) -> list[Job]:
    return [*saving_small_files(scale), *saving_a_large_file(scale), getting(scale)]


def saving_small_files(scale: Scale) -> list[Job]:
    small = "copy + sha256 + commit"
    return [
        Job(
            "save-small",
            "save one 1 KB file",
            (
                ours("save_new_file"),
                floor(small, "copy_hash_commit", "flushes only the commit"),
                floor("copy + flush + sha256 + commit", "copy_flush_hash_commit"),
                part("the system calls of a save", "save_by_system_calls"),
                *local_peers("save_new_file"),
            ),
            (Bar(f"3 × ({small})", 3, (small,)), Bar("0.2 × the best indexed peer", 0.2, INDEXED)),
            size=KB, rounds=scale.rounds * 2, times=10, synced=True,
            limit=Limit(
                "the system calls of a save",
                "What is published must be whole and on the disk before it is visible, and stay visible: so two "
                "folders and two files are made, flushed, renamed and flushed again, and then indexed. The floor "
                "flushes one commit.",
            ),
        ),
        Job(
            "save-1000",
            f"save {scale.files:,} files of 4 KB as one artifact",
            (
                ours("save_files"),
                ours("save_files_unflushed", "elliptio, durability=fast"),
                floor("copy + flush", "copy_and_flush_files", "no hash, no index"),
                part("copy", "copy_files"),
                *local_peers("save_files"),
            ),
            (
                Bar("1.5 × (copy + flush)", 1.5, ("copy + flush",)),
                Bar("MLflow, as unflushed as MLflow", 1, ("MLflow",), who="elliptio, durability=fast"),
            ),
            size=4 * KB, count=scale.files, rounds=scale.rounds, synced=True,
            limit=Limit("copy", "To make the files is nearly all of it, and MLflow does no more than that."),
        ),
    ]  # fmt: skip


def saving_a_large_file(scale: Scale) -> list[Job]:
    return [
        Job(
            "save-large",
            f"save one file of {size(scale.file)}",
            (
                ours("save_new_file"),
                floor("copy + flush", "copy_and_flush_file", "no hash, no index"),
                floor("sha256", "hash_file", "no copy, no index"),
                part("copy", "copy_file"),
                part("copy, then sha256", "copy_then_hash"),
                *local_peers("save_new_file", large=True),
            ),
            (
                Bar("1.15 × the slower of (copy + flush) and sha256", 1.15, ("copy + flush", "sha256"), max),
                Bar("150 MB of memory", plus=150, unit="MB"),
            ),
            size=scale.file, rounds=min(3, scale.rounds), synced=True,
        ),
        Job(
            "save-again",
            f"save the same file of {size(scale.file)} again",
            (ours("save_same_file_again"), floor("sha256", "hash_file", "only hashes")),
            (
                Bar("1.1 × sha256", 1.1, ("sha256",)),
                Bar("no second copy on the disk", plus=1, unit="MB more"),
            ),
            size=scale.file, rounds=min(3, scale.rounds), synced=True,
        ),
        Job(
            "save-without-waiting",
            "save one file of 16 MB, wait=False: until the program goes on",
            (ours("save_without_waiting"), Side("elliptio, wait=True", "ours", "save_new_file", "part")),
            (Bar("5 ms", plus=5e-3),),
            size=16 * MB, rounds=scale.rounds, synced=True,
        ),
    ]  # fmt: skip


def getting(scale: Scale) -> Job:
    return Job(
            "get-small",
            "get by id, read and verify a small file",
            (
                ours("get_and_read"),
                floor("read + sha256", "read_and_hash", "no index"),
                Side("MLflow", "mlflow", "get_and_read", leaves_out="not verified"),
                Side("DVC", "dvc", "get_and_read", leaves_out="not verified"),
                Side("LaminDB", "lamindb", "get_and_read", leaves_out="not verified"),
            ),
            (Bar("1 ms", plus=1e-3),),
            size=KB, rounds=scale.rounds * 2, times=10,
        )  # fmt: skip


def finding(scale: Scale) -> list[Job]:
    found = []
    for documents in scale.documents:
        few = documents == scale.documents[0]
        found += [
            find("find-newest", "find the newest 7", documents, "find_newest", 5e-3 if documents > 10_000 else 2e-3,
                 scale, peers=few),
            find("find-user-time", "find by user and time", documents, "find_by_user_and_time", 0.01, scale),
            find("find-label", "find by label", documents, "find_by_label", 0.01, scale),
            find("find-based-on", "find by based_on", documents, "find_by_based_on", 0.01, scale),
            find("find-hash", "find by the hash of a file", documents, "find_by_hash", 0.01, scale),
            Job(
                f"scan-{documents}",
                f"a query that no index serves, {documents:,} artifacts",
                (ours("scan"),),
                documents=documents, rounds=min(3, scale.rounds),
            ),
        ]  # fmt: skip
        if documents <= 100_000:
            found.append(all_as_frame(documents, scale, peers=few))
        else:
            found.append(
                Job(
                    f"all-{documents}",
                    f"all {documents:,} as a DataFrame",
                    (ours("find_all"),),
                    (Bar("1.5 GB of memory", plus=1500, unit="MB"),),
                    documents=documents, rounds=1,
                )
            )  # fmt: skip
    return [*found, *walking(scale)]


def walking(scale: Scale) -> list[Job]:
    documents = scale.documents[0]
    return [
        Job(
            "find-mongodb",
            f"find the newest 7 of {documents:,}, MongoDB wire",
            (
                ours("find_newest_on_mongodb"),
                floor("pymongo", "pymongo_newest", "no DataFrame"),
                part("pymongo, and how many match", "pymongo_newest_and_count"),
            ),
            (Bar("1.3 × pymongo", 1.3, ("pymongo",)),),
            documents=documents, rounds=scale.rounds * 2, times=5, needs="mongodb",
            limit=Limit(
                "pymongo, and how many match",
                "A frame that shows only some says of how many, which is a second question. The server of these "
                "measurements walks all documents for each.",
            ),
        ),
        Job(
            "ancestors-chain",
            f"ancestors over a chain of {scale.chain:,}",
            (ours("ancestors_in_a_chain"), Side("LaminDB", "lamindb", "ancestors_in_a_chain")),
            (Bar("5 ms", plus=5e-3),),
            documents=scale.chain, rounds=scale.rounds,
        ),
        Job(
            "ancestors-wide",
            f"ancestors in a wide graph of {scale.wide:,}",
            (ours("ancestors_in_a_wide_graph"), part("sqlite3, links and names", "read_links_and_names")),
            (Bar("50 ms", plus=50e-3),),
            documents=scale.wide, rounds=scale.rounds * 2,
            limit=Limit(
                "sqlite3, links and names",
                "So long does it take to hand all links and names to Python in the order in which they lie; to find "
                "out which ones is the rest.",
            ),
        ),
    ]  # fmt: skip


def find(
    name: str, title: str, documents: int, function: str, seconds: float, scale: Scale, *, peers: bool = False
) -> Job:
    sides = (Side("MLflow", "mlflow", function), Side("LaminDB", "lamindb", function)) if peers else ()
    return Job(
        f"{name}-{documents}",
        f"{title} of {documents:,}",
        (ours(function), *sides),
        (Bar(f"{seconds * 1e3:g} ms", plus=seconds),),
        documents=documents,
        rounds=scale.rounds * 2,
        times=10,
    )


def all_as_frame(documents: int, scale: Scale, *, peers: bool) -> Job:
    sides = (Side("MLflow", "mlflow", "find_all"), Side("LaminDB", "lamindb", "find_all")) if peers else ()
    return Job(
        f"all-{documents}",
        f"all {documents:,} as a DataFrame",
        (
            ours("find_all"),
            floor("decode + DataFrame", "decode_and_frame", "does not read them"),
            part("read + decode + columns", "read_decode_and_frame"),
            *sides,
        ),
        (Bar("1.5 × (decode + DataFrame)", 1.5, ("decode + DataFrame",)),),
        documents=documents,
        rounds=min(3, scale.rounds),
        limit=Limit(
            "read + decode + columns",
            "An artifact is a document, in which fields may have any name, type and depth. LaminDB's are rows of a "
            "table, whose columns need no decoding.",
        ),
    )


def s3_sides(direction: str, what: str, *, peers: bool) -> tuple[Side, ...]:
    job = f"{direction}_{what}"
    mine = {"upload_large": "save_new_file", "upload_small": "save_files", "download_large": "download_file",
            "download_small": "download_files"}[job]  # fmt: skip
    up, ends = direction == "upload", ENDS if what == "large" else ""
    others = (
        Side("MLflow", "mlflow", f"s3_{job}", leaves_out="no hash" if up else "not verified"),
        Side("DVC", "dvc", f"s3_{job}", leaves_out="md5; no query over metadata" if up else "not verified"),
        Side("LaminDB", "lamindb", f"s3_{job}", leaves_out=f"md5{ends}" if up else "not verified"),
    )
    return (
        ours(mine),
        Side("s5cmd", "s5cmd", job, "floor", S5CMD if up else "not verified"),
        *((Side("s5cmd beside sha256", "s5cmd", f"{job}_and_hash", "part"),) if what == "large" else ()),
        floor("obstore", f"obstore_{job}", S5CMD if up else "not verified"),
        floor("boto3", f"boto3_{job}", S5CMD if up else "not verified"),
        *(others if peers else ()),
    )


def on_s3(scale: Scale) -> list[Job]:
    found = []
    for direction in ("upload", "download"):
        for count, bytes_each in enumerate(scale.s3_file):
            found.append(
                Job(
                    f"s3-{direction}-{size(bytes_each).replace(' ', '')}",
                    f"S3: {direction} one file of {size(bytes_each)}",
                    s3_sides(direction, "large", peers=count == 0),
                    (
                        Bar("1.1 × the faster of s5cmd and obstore", 1.1, ("s5cmd", "obstore")),
                        Bar("150 MB of memory", plus=150, unit="MB"),
                    ),
                    size=bytes_each, rounds=min(scale.rounds, 3), needs="s3", synced=True,
                    limit=Limit(
                        "s5cmd beside sha256",
                        "The others keep no hash of what they send, and do not verify what they get. Who does needs a "
                        "core for as long as the hash takes, and here the server and the client share two.",
                    ),
                )
            )  # fmt: skip
        for count, files in enumerate(scale.s3_files):
            found.append(
                Job(
                    f"s3-{direction}-{files}",
                    f"S3: {direction} {files:,} files of 16 KB",
                    s3_sides(direction, "small", peers=count == 0),
                    (Bar("1.1 × s5cmd", 1.1, ("s5cmd",)),),
                    size=16 * KB, count=files, rounds=min(scale.rounds, 3), needs="s3", synced=True,
                )
            )  # fmt: skip
    one = scale.s3_file[0]
    return [
        *found,
        Job(
            "s3-download-again",
            f"S3: download one file of {size(one)} once more",
            (
                ours("download_file_again"),
                floor("copy, then sha256", "copy_then_hash", "of a local file"),
                Side("elliptio, the first time", "ours", "download_file", "part"),
            ),
            (Bar("1.5 × (copy, then sha256) of a local file", 1.5, ("copy, then sha256",)),),
            size=one, rounds=min(scale.rounds, 3), needs="s3", synced=True,
        ),
    ]  # fmt: skip


def growing(scale: Scale) -> list[Job]:
    """What must not cost more the more there is, nor the more there is to record."""
    empty = Side("elliptio, empty lake", "ours", "save_file", "part")
    few = min(1000, scale.many_files)
    fewer = f"elliptio, {few:,} files"
    return [
        Job(
            "save-many",
            f"save {scale.many_files:,} files of 1 KB as one artifact",
            (
                ours("save_files"),
                Side(fewer, "ours", "save_1000_files", "part"),
                floor("copy + flush", "copy_and_flush_files", "no hash, no index"),
            ),
            (
                Bar(f"for each file, 1.3 × what it costs with {few:,}", 1.3 * scale.many_files / few, (fewer,)),
                Bar("300 MB of memory", plus=300, unit="MB"),
            ),
            size=KB, count=scale.many_files, rounds=min(3, scale.rounds), synced=True,
        ),
        Job(
            "save-nth",
            f"save one 1 KB file where {scale.documents[-1]:,} artifacts are",
            (ours("save_to_filled_lake"), empty),
            (Bar("1.2 × saving to an empty lake", 1.2, (empty.name,)),),
            size=KB, documents=scale.documents[-1], rounds=scale.rounds * 2, times=10, synced=True,
        ),
        *describing(scale),
    ]  # fmt: skip


def describing(scale: Scale) -> list[Job]:
    plain = Side("elliptio, no repository", "ours", "save_file", "part")
    return [
        Job(
            "provenance-small",
            f"save one 1 KB file from a repository of {scale.repository:,} files, 300 distributions more",
            (ours("save_in_repository"), plain),
            (Bar("5 ms more than without", 1, (plain.name,), plus=5e-3),),
            size=KB, count=scale.repository, rounds=scale.rounds * 2, times=10, synced=True,
        ),
        Job(
            "provenance-large",
            f"save one file of 16 MB from a repository of {scale.repository:,} files, 300 distributions more",
            (ours("save_in_repository"), plain),
            (Bar("1.1 × without", 1.1, (plain.name,)),),
            size=16 * MB, count=scale.repository, rounds=scale.rounds * 2, times=3, synced=True,
        ),
    ]  # fmt: skip

"""Keep graphs, snapshots, tags and partitions; the names are those of arti."""

from elliptio.pipelines.snapshots.connections import Backend, Connection
from elliptio.pipelines.snapshots.lake import LakeBackend, LakeConnection
from elliptio.pipelines.snapshots.memory import MemoryBackend, MemoryConnection

__all__ = ["Backend", "Connection", "LakeBackend", "LakeConnection", "MemoryBackend", "MemoryConnection"]

"""Name the engine, which says where models and nodes are, and sessions."""

from __future__ import annotations

from elliptio.models.nodes.engine import current_engine, engine_context, set_engine
from elliptio.models.nodes.sessions import AsyncSession, current_session, session_context

__all__ = ["AsyncSession", "current_engine", "current_session", "engine_context", "session_context", "set_engine"]

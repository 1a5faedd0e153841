"""Graph and input to Report: shapes, counts, receptive field, support, memory."""

from __future__ import annotations

from convcalc.analysis.report import LayerReport, OutputReport, Report
from convcalc.analysis.walk import Setting, analyze_graph

__all__ = ["LayerReport", "OutputReport", "Report", "Setting", "analyze_graph"]

package org.userload.report;

import com.github.freva.asciitable.AsciiTable;
import com.github.freva.asciitable.Column;
import com.github.freva.asciitable.HorizontalAlign;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A migration's result as a table for people. */
public final class ResultTable {
    private ResultTable() {}

    private record Row(String name, String value, String meaning) {}

    /** The table, without a line break at its end. */
    public static String of(MigrationResult result) {
        List<Row> rows = new ArrayList<>();
        rows.add(new Row(
                "result",
                result.verified() ? "verified" : "WRONG",
                result.verified()
                        ? "memory and checksum equal a run that never moved"
                        : "memory or checksum differ from a run that never moved"));
        rows.add(new Row("checksum", result.checksum(), "of everything the guest read, in order"));
        rows.add(new Row("mode", result.mode(), "interceptor " + result.interceptor()));
        rows.add(new Row(
                "memory",
                Quantities.bytes(result.guest().memoryBytes()),
                Quantities.count(result.guest().tracePages()) + " pages touched by "
                        + Quantities.count(result.guest().traceAccesses()) + " accesses"));
        rows.add(
                new Row("downtime", Quantities.micros(result.times().downtimeUs()), "paused there until running here"));
        rows.add(
                new Row("total", Quantities.micros(result.times().totalUs()), "paused there until every page is here"));
        if (!result.course().rounds().isEmpty()) {
            addRounds(rows, result);
        }
        rows.add(new Row("workload", Quantities.micros(result.times().workloadUs()), "run time of the guest here"));
        rows.add(new Row("blocked", Quantities.micros(result.times().blockedUs()), "of that, waiting for pages"));
        addPages(rows, result);
        addPrefetch(rows, result.prefetch());
        if (result.course().releasedPages() > 0) {
            rows.add(new Row(
                    "released",
                    Quantities.count(result.course().releasedPages()),
                    "pages that the source gave up once they were here"));
        }
        rows.add(new Row("wire", Quantities.bytes(result.wireBytes()), "all connections, both ways"));
        addEncoding(rows, result);
        LatencySummary latency = result.faultLatencyUs();
        rows.add(new Row(
                "fault latency",
                Quantities.micros(latency.p50()),
                "median of " + Quantities.count(latency.count()) + " faults; p90 " + Quantities.micros(latency.p90())
                        + ", p99 " + Quantities.micros(latency.p99()) + ", max " + Quantities.micros(latency.max())));
        return AsciiTable.builder()
                .border(AsciiTable.NO_BORDERS)
                .data(
                        rows,
                        List.of(
                                new Column().dataAlign(HorizontalAlign.LEFT).with(Row::name),
                                new Column()
                                        .dataAlign(HorizontalAlign.RIGHT)
                                        .maxWidth(24)
                                        .with(Row::value),
                                new Column()
                                        .dataAlign(HorizontalAlign.LEFT)
                                        .maxWidth(90)
                                        .with(Row::meaning)))
                .asString();
    }

    private static void addRounds(List<Row> rows, MigrationResult result) {
        MigrationResult.Course course = result.course();
        long sent = course.rounds().stream()
                .mapToLong(MigrationResult.RoundFigures::pagesSent)
                .sum();
        rows.add(new Row(
                "migration",
                Quantities.micros(result.times().migrationUs()),
                "from its start until every page is here"));
        rows.add(new Row(
                "rounds",
                Quantities.count(course.rounds().size()),
                Quantities.count(sent) + " pages sent in them" + remarks(course)));
    }

    private static void addEncoding(List<Row> rows, MigrationResult result) {
        MigrationResult.CompressionFigures compression = result.compression();
        if (!compression.algorithm().equals("none")) {
            rows.add(new Row(
                    "compression",
                    compression.algorithm(),
                    Quantities.count(compression.pagesPacked()) + " pages packed, "
                            + Quantities.count(compression.pagesRaw()) + " as they are; "
                            + Quantities.bytes(compression.bytesIn()) + " in "
                            + Quantities.bytes(compression.bytesOut())));
        }
        MigrationResult.DeltaFigures delta = result.delta();
        if (delta != null) {
            rows.add(new Row(
                    "deltas",
                    Quantities.count(delta.hits()),
                    "of " + Quantities.count(delta.hits() + delta.misses()) + " pages sent again; saved "
                            + Quantities.bytes(delta.bytesSaved())));
        }
    }

    private static String remarks(MigrationResult.Course course) {
        StringBuilder remarks = new StringBuilder();
        if (course.converged() != null) {
            remarks.append(course.converged() ? "; converged" : "; did not converge");
        }
        if (course.throttlePercent() > 0) {
            remarks.append("; guest throttled to ")
                    .append(100 - course.throttlePercent())
                    .append(" %");
        }
        if (course.discardedPages() > 0) {
            remarks.append("; ")
                    .append(Quantities.count(course.discardedPages()))
                    .append(" called back");
        }
        return remarks.toString();
    }

    private static void addPrefetch(List<Row> rows, PrefetchFigures prefetch) {
        Long touched = prefetch.touchedPages();
        if (touched != null) {
            rows.add(new Row(
                    "network faults",
                    Quantities.count(prefetch.networkFaults()),
                    String.format(
                            Locale.ROOT,
                            "pages asked for: %.1f %% of the %s touched here",
                            100.0 * prefetch.networkFaults() / Math.max(1, touched),
                            Quantities.count(touched))));
        }
        if (prefetch.preferred() > 0) {
            Long hits = prefetch.hits();
            Long wasted = prefetch.wasted();
            String use = hits == null || wasted == null
                    ? ""
                    : "; " + Quantities.count(hits) + " of the preferred ones were touched here, "
                            + Quantities.count(wasted) + " were not";
            rows.add(new Row(
                    "prefetched",
                    Quantities.count(prefetch.came()),
                    "of " + Quantities.count(prefetch.preferred()) + " preferred pages came in the stream" + use));
            rows.add(new Row(
                    "  awaited",
                    Quantities.count(prefetch.awaited()),
                    "faults on such pages about to come, not asked for; " + Quantities.count(prefetch.late())
                            + " more were late and asked for"));
        }
    }

    private static void addPages(List<Row> rows, MigrationResult result) {
        MigrationResult.PageFigures pages = result.pages();
        rows.add(new Row("pages", Quantities.count(pages.total()), "in all"));
        rows.add(new Row("  demand", Quantities.count(pages.demand()), "touched before they had come"));
        rows.add(new Row("  stream", Quantities.count(pages.stream()), "came by themselves"));
        rows.add(new Row("  precopy", Quantities.count(pages.precopy()), "here before the guest was"));
        rows.add(new Row("  zero", Quantities.count(pages.zero()), "sent as a mark only"));
        rows.add(new Row("  free", Quantities.count(pages.free()), "not sent: the guest does not need what they held"));
        rows.add(new Row("  duplicate", Quantities.count(pages.duplicate()), "came twice, installed once"));
        HugePageFigures huge = result.hugePages();
        if (huge.bytes() > 0) {
            rows.add(new Row(
                    "huge pages",
                    Quantities.bytes(huge.bytes()),
                    "of 2 MiB: " + Quantities.count(huge.blocksMoved()) + " moved into place, "
                            + Quantities.count(huge.blocksCollapsed()) + " made of small ones"));
        }
        if (pages.ballooned() > 0) {
            rows.add(new Row("ballooned", Quantities.count(pages.ballooned()), "pages that the host had back before"));
        }
        MigrationResult.HintFigures hints = result.hints();
        if (hints.hintUs() > 0 || hints.hintBytes() > 0) {
            rows.add(new Row(
                    "hints",
                    Quantities.micros(hints.hintUs()),
                    "for the guest to name its free pages, in " + Quantities.bytes(hints.hintBytes())
                            + " of messages"));
        }
    }
}

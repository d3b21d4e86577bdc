package org.userload.report;

import java.util.Locale;
import org.userload.destination.DestinationStatistics;

/**
 * One state of paging-in as text. Rates are averages since the beginning; the time left supposes that pages go on to come
 * as they came on average.
 *
 * @param elapsedMillis since the beginning, 0 or more
 */
record ProgressLine(DestinationStatistics statistics, long elapsedMillis) {
    long pagesInPlace() {
        return statistics.pagesInPlace();
    }

    /** For example {@code 120 MB/s, 3,456 faults}. */
    String rates() {
        return String.format(
                Locale.ROOT,
                "%.0f MB/s, %,d faults",
                statistics.wireBytes() / 1e3 / Math.max(elapsedMillis, 1),
                statistics.faultLatencyNanos().getTotalCount());
    }

    /** For example {@code paging in: 2,048 of 8,192 pages (25 %), 120 MB/s, 3,456 faults, ETA 0:00:03}. */
    String text() {
        long total = statistics.pages().total();
        return String.format(
                Locale.ROOT,
                "paging in: %,d of %,d pages (%d %%), %s, ETA %s",
                pagesInPlace(),
                total,
                total == 0 ? 100 : 100 * pagesInPlace() / total,
                rates(),
                timeLeft(total - pagesInPlace()));
    }

    /** As h:mm:ss, rounded up; a question mark while no page is in place. */
    private String timeLeft(long pages) {
        if (pages > 0 && pagesInPlace() == 0) {
            return "?";
        }
        double millis = pages == 0 ? 0 : (double) elapsedMillis * pages / pagesInPlace();
        long seconds = (long) Math.ceil(millis / 1_000);
        return String.format(Locale.ROOT, "%d:%02d:%02d", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    }
}

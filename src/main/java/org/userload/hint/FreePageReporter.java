package org.userload.hint;

import java.util.concurrent.CompletableFuture;

/**
 * A guest that can tell which of its pages are free, that is, what they hold does not matter to it.
 *
 * <p><b>The promise of a guest.</b> A page that it reports was free at some moment after {@link #report} was called. What it
 * does with the page afterwards is its own affair: whoever uses the report must see the writes that come later.
 *
 * <p><b>Threads.</b> Any thread calls; the sink is called by threads of the reporter, one call at a time.
 */
public interface FreePageReporter {
    /**
     * Asks for a report. A report that is under way ends.
     *
     * @param id of the report; the sink is called for this report only
     * @return completes when all of it has been given to the sink, or exceptionally when the guest cannot
     */
    CompletableFuture<Void> report(int id, FreePageSink sink);

    /** Ends the report with this id, if it is under way; its future completes. */
    void stop(int id);
}

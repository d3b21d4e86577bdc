package org.userload.trace;

import java.util.concurrent.CompletableFuture;
import org.userload.hint.FreePageReporter;
import org.userload.hint.FreePageSink;

/** Reports the free pages of a replayed guest, at once and on the calling thread: they stay free. Any thread. */
final class FreeColdPages implements FreePageReporter {
    private static final int PAGE_SHIFT = 12;

    private final ColdPages cold;

    FreeColdPages(ColdPages cold) {
        this.cold = cold;
    }

    @Override
    public CompletableFuture<Void> report(int id, FreePageSink sink) {
        cold.forEachRun(ColdPages.Kind.FREE, (kind, first, count) -> sink.free(first << PAGE_SHIFT, count));
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public void stop(int id) {
        // A report is over when it returns.
    }
}

package org.userload.source;

import org.jspecify.annotations.Nullable;
import org.userload.memory.PageRange;

/** Decides which run of pages the stream sends next. Used on the stream loop only. */
interface StreamOrder {
    /** Region and pages. */
    record Run(int region, PageRange pages) {}

    /**
     * The next run of pages that have not been sent, at most {@code maxPages} long; null when there is none. What the
     * stream does not mark as sent comes again.
     */
    @Nullable
    Run next(int maxPages);
}

package org.userload.hint;

/** What became of a hint that pages are free. */
public enum HintOutcome {
    /** The pages count as free. */
    TAKEN,
    /** The hint belongs to an earlier epoch, or to none: the guest may have written to the pages since, unseen. */
    STALE,
    /** Not all of the pages lie in the memory. */
    OUTSIDE_MEMORY,
    /** No pages, or a range that is none. */
    MALFORMED
}

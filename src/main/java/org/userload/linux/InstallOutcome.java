package org.userload.linux;

/**
 * What a userfaultfd install did, as a {@code long} so that the hot path allocates nothing: the bytes installed from the
 * start of the range when that is at least one page, else why nothing was.
 *
 * <p>The kernel works through a range in order and stops at the first page that it cannot install; what it did before
 * counts. Whoever installs goes on after the installed bytes and meets the reason there.
 */
public final class InstallOutcome {
    /** The first page is already present: someone else installed it, which is an outcome and not an error. */
    public static final long NEXT_IS_PRESENT = -1;

    /** The mapping is changing: read the pending events first, then try again. */
    public static final long MAPPING_IS_CHANGING = -2;

    private InstallOutcome() {}
}

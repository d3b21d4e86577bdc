package org.userload.migration.simulation;

/**
 * What the machines at both ends add to the link. All of it depends on the machine; {@link #ASSUMED} is what is taken
 * otherwise, and {@code simulate --validate} measures some of them anew.
 *
 * @param bytesPerSecond page content that source and destination manage on a link that is no limit; above 0
 * @param handoverNanos from the pause until the guest runs, on a link that takes no time; 0 or more
 * @param faultNanos from the touch of a missing page until the guest goes on, on such a link; 0 or more
 * @param discardNanosPerPage making a page missing again, with the guest stopped; 0 or more
 * @param zeroNanosPerPage finding a zero page and installing one; 0 or more
 * @param scanNanosPerPage collecting dirty pages, for each page of memory; 0 or more
 * @param scanNanosPerDirtyPage the same, for each that is dirty; 0 or more
 * @param armNanosPerPage beginning to track writes, for each page of memory; 0 or more
 * @param hintNanosPerPage asking the guest for its free pages, for each of them; 0 or more
 * @param poisonNanosPerPage filling a page that was not sent with a pattern; 0 or more
 */
public record MachineCosts(
        double bytesPerSecond,
        double handoverNanos,
        double faultNanos,
        double discardNanosPerPage,
        double zeroNanosPerPage,
        double scanNanosPerPage,
        double scanNanosPerDirtyPage,
        double armNanosPerPage,
        double hintNanosPerPage,
        double poisonNanosPerPage) {

    /** Plausible for machines that are not busy; {@code docs/simulation.md} says what is known of each. */
    public static final MachineCosts ASSUMED = new MachineCosts(1.0e9, 3e6, 100e3, 300, 300, 1.6, 47, 76, 5, 1000);

    /** No cost at all: the link is the only limit. */
    public static final MachineCosts NONE = new MachineCosts(1e15, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    /** @throws IllegalArgumentException naming the value that is out of range */
    public MachineCosts {
        if (!(bytesPerSecond > 0) || Double.isInfinite(bytesPerSecond)) {
            throw new IllegalArgumentException(
                    "the machines manage more than 0 bytes per second, not " + bytesPerSecond);
        }
        for (double nanos : new double[] {
            handoverNanos,
            faultNanos,
            discardNanosPerPage,
            zeroNanosPerPage,
            scanNanosPerPage,
            scanNanosPerDirtyPage,
            armNanosPerPage,
            hintNanosPerPage,
            poisonNanosPerPage
        }) {
            if (!(nanos >= 0) || Double.isInfinite(nanos)) {
                throw new IllegalArgumentException("a cost is 0 or more nanoseconds, not " + nanos);
            }
        }
    }

    public MachineCosts withBytesPerSecond(double ceiling) {
        return new MachineCosts(
                ceiling,
                handoverNanos,
                faultNanos,
                discardNanosPerPage,
                zeroNanosPerPage,
                scanNanosPerPage,
                scanNanosPerDirtyPage,
                armNanosPerPage,
                hintNanosPerPage,
                poisonNanosPerPage);
    }

    public MachineCosts withHandoverNanos(double nanos) {
        return new MachineCosts(
                bytesPerSecond,
                nanos,
                faultNanos,
                discardNanosPerPage,
                zeroNanosPerPage,
                scanNanosPerPage,
                scanNanosPerDirtyPage,
                armNanosPerPage,
                hintNanosPerPage,
                poisonNanosPerPage);
    }

    public MachineCosts withFaultNanos(double nanos) {
        return new MachineCosts(
                bytesPerSecond,
                handoverNanos,
                nanos,
                discardNanosPerPage,
                zeroNanosPerPage,
                scanNanosPerPage,
                scanNanosPerDirtyPage,
                armNanosPerPage,
                hintNanosPerPage,
                poisonNanosPerPage);
    }

    /** Beginning to track writes. */
    double armNanos(long pages) {
        return pages * armNanosPerPage;
    }

    /** Asking the guest for its free pages. */
    double hintNanos(long freePages) {
        return freePages * hintNanosPerPage;
    }

    /** Collecting what is dirty. */
    double scanNanos(long pages, double dirtyPages) {
        return pages * scanNanosPerPage + dirtyPages * scanNanosPerDirtyPage;
    }
}

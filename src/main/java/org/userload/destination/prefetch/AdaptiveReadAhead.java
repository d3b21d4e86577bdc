package org.userload.destination.prefetch;

/**
 * Recognises scans, several at once, forwards or backwards, of every page or every n-th, and wants what they will touch
 * next. Only faults are seen, not touches of pages that are there; so a scan is seen where it overtakes what has arrived.
 *
 * <p>A scan is two faults on neighbouring pages, or three that are equally far apart. Its window, in steps, begins with
 * {@value #FIRST_WINDOW} and doubles up to {@value #MAX_WINDOW} as often as a fault shows that half of what was wanted is
 * used up. A fault nearby that does not fit halves it; below {@value #FIRST_WINDOW} the scan is forgotten. That what comes is
 * asked for before the last of it is used is what Linux does for files (Wu, Xi, Li, Zou: "Linux readahead: less tricks for
 * more", Linux Symposium 2007).
 */
final class AdaptiveReadAhead implements ReadAhead {
    static final int MAX_WINDOW = PrefetchPolicy.MAX_WINDOW_PAGES;
    static final int FIRST_WINDOW = 4;

    /** Faults farther apart than this belong to different scans. */
    static final int MAX_STEP = 64;

    /** Scans at once; the one that was not seen for the longest time makes room. */
    static final int SCANS = 16;

    private final Scan[] scans = new Scan[SCANS];
    private long clock;

    AdaptiveReadAhead() {
        for (int i = 0; i < SCANS; i++) {
            scans[i] = new Scan();
        }
    }

    /** A place where faults are, and how they go on from there. */
    private static final class Scan {
        int region = -1;

        /** The latest fault. */
        long last;

        /** How far it was from the one before; 0 when it was the first. */
        long step;

        /** Steps wanted at a time; 0 while this is no scan. */
        int window;

        /** Steps from the latest fault to the last page wanted. */
        long ahead;

        long seen;

        boolean isScan() {
            return window > 0;
        }

        /** How many steps a page is from the latest fault; 0 if it is not on the way, or behind what is wanted and the next. */
        long stepsTo(int inRegion, long page) {
            long distance = page - last;
            if (inRegion != region || !isScan() || distance % step != 0) {
                return 0;
            }
            long steps = distance / step;
            return steps > 0 && steps <= ahead + 1 ? steps : 0;
        }

        boolean isNear(int inRegion, long page) {
            long reach = isScan() ? Math.max(MAX_STEP, Math.abs(step) * (ahead + 1)) : MAX_STEP;
            return inRegion == region && Math.abs(page - last) <= reach;
        }
    }

    @Override
    public void fault(int region, long page, Wanted wanted) {
        clock++;
        Scan near = null;
        for (Scan scan : scans) {
            long steps = scan.stepsTo(region, page);
            if (steps > 0) {
                goOn(scan, page, steps, wanted);
                return;
            }
            if (near == null && scan.isNear(region, page)) {
                near = scan;
            }
        }
        if (near == null) {
            begin(oldest(), region, page);
        } else if (near.isScan()) {
            miss(near, page);
        } else {
            compare(near, page, wanted);
        }
    }

    private void goOn(Scan scan, long page, long steps, Wanted wanted) {
        scan.last = page;
        scan.seen = clock;
        scan.ahead -= steps;
        if (scan.ahead <= scan.window / 2) {
            scan.window = Math.min(2 * scan.window, MAX_WINDOW);
            want(scan, wanted);
        }
    }

    /** The window again, behind what is wanted already. */
    private static void want(Scan scan, Wanted wanted) {
        long from = Math.max(0, scan.ahead) + 1;
        if (scan.step == 1) {
            wanted.pages(scan.region, scan.last + from, scan.window);
        } else {
            for (long i = from; i < from + scan.window; i++) {
                wanted.pages(scan.region, scan.last + i * scan.step, 1);
            }
        }
        scan.ahead = from - 1 + scan.window;
    }

    private void miss(Scan scan, long page) {
        scan.seen = clock;
        scan.window /= 2;
        if (scan.window < FIRST_WINDOW) {
            begin(scan, scan.region, page);
        }
    }

    private void compare(Scan scan, long page, Wanted wanted) {
        long step = page - scan.last;
        boolean repeated = step == scan.step;
        scan.last = page;
        scan.step = step;
        scan.seen = clock;
        if (step != 0 && (Math.abs(step) == 1 || repeated)) {
            scan.window = FIRST_WINDOW;
            scan.ahead = 0;
            want(scan, wanted);
        }
    }

    private void begin(Scan scan, int region, long page) {
        scan.region = region;
        scan.last = page;
        scan.step = 0;
        scan.window = 0;
        scan.ahead = 0;
        scan.seen = clock;
    }

    private Scan oldest() {
        Scan oldest = scans[0];
        for (Scan scan : scans) {
            if (scan.seen < oldest.seen) {
                oldest = scan;
            }
        }
        return oldest;
    }
}

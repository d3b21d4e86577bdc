package org.userload.migration.simulation;

import java.util.SplittableRandom;

/**
 * The guest runs at the destination while pages come: its touches of missing pages race the stream.
 *
 * <p>Events are faults. Between two of them the guest touches pages at its rate, each missing with the probability that
 * any page of the working set is; that falls as the stream goes on. The time to the next fault is drawn as for a Poisson
 * process with a falling rate, by thinning (Lewis and Shedler, 1979): a time is drawn for the rate now, and kept with the
 * probability of the rate then against it.
 *
 * <p>Missing pages are counts. The stream takes them in the order of the guest's {@link SimulatedGuest.Place}; what it
 * has on its way when a fault comes may be the page itself, which then comes twice. Counts of very many pages are
 * followed in groups, so that there are at most about {@value #MOST_EVENTS} events. Times are nanoseconds since the guest
 * was resumed. One thread.
 */
final class PagingIn {
    private static final long MOST_EVENTS = 1 << 18;

    private final SimulatedGuest guest;
    private final SimulatedLink link;
    private final double faultNanos;
    private final SplittableRandom random;
    private final long missingPages;
    private final SentPages marks;
    private final double group;

    /** Missing pages of the working set, and others. */
    private double hot;

    private double cold;
    private double now;

    /** Until when the stream has been followed. */
    private double streamedUntil;

    /** Faults whose page the stream did not bring, and faults whose page came both ways. */
    private double answered;

    private double duplicate;
    private double blockedNanos;

    /**
     * @param hotPages pages of the working set that are missing
     * @param coldPages other pages with content that are missing
     * @param marks missing pages without content, which the stream sends last
     */
    PagingIn(
            SimulatedGuest guest,
            SimulatedLink link,
            MachineCosts costs,
            SplittableRandom random,
            long hotPages,
            long coldPages,
            SentPages marks) {
        this.guest = guest;
        this.link = link;
        this.faultNanos = costs.faultNanos();
        this.random = random;
        this.missingPages = hotPages + coldPages;
        this.hot = hotPages;
        this.cold = coldPages;
        this.marks = marks;
        this.group = Math.max(1, Math.ceil((double) hotPages / MOST_EVENTS));
    }

    /** Runs until nothing is missing and returns when that is. */
    double run() {
        // The source learns that the guest runs, and the first page comes.
        streamedUntil = link.roundTripNanos();
        while (hot >= 0.5 && guest.touchesPerSecond() > 0) {
            double missing = hot;
            double next = now + nanosToFault(missing);
            if (next >= streamEnds()) {
                break;
            }
            now = next;
            stream(now);
            if (hot >= 0.5 && random.nextDouble() * missing < hot) {
                fault();
            }
        }
        return streamEnds() + link.passNanos(marks);
    }

    private double nanosToFault(double missing) {
        double faultsPerNano = guest.touchesPerSecond() / 1e9 * missing / guest.workingSetPages();
        return -Math.log1p(-random.nextDouble()) / faultsPerNano * group;
    }

    private double streamEnds() {
        return streamedUntil + link.passNanos(SentPages.ofContent(hot + cold));
    }

    /** The guest stands still until its page is there. */
    private void fault() {
        double faults = Math.min(group, hot);
        double onTheirWay =
                Math.min((link.queueNanos() + link.roundTripNanos() / 2) / link.contentPageNanos(), hot + cold);
        double waits;
        if (random.nextDouble() * hot < hotAmong(onTheirWay)) {
            // Its page is on its way: anywhere.
            waits = faultNanos + random.nextDouble() * onTheirWay * link.contentPageNanos();
            duplicate += faults;
            streamedUntil += faults * link.contentPageNanos();
        } else {
            waits = faultNanos + link.answerNanos();
            answered += faults;
        }
        // Either way its page is there afterwards: every fault brings the end nearer.
        hot -= faults;
        streamedUntil += faults * link.urgentPageNanos();
        blockedNanos += faults * waits;
        now += faults * waits;
        stream(now);
    }

    /** How many of the pages that the stream sends next belong to the working set. */
    private double hotAmong(double next) {
        return switch (guest.place()) {
            case FIRST -> Math.min(next, hot);
            case SPREAD -> hot + cold == 0 ? 0 : next * hot / (hot + cold);
            case LAST -> Math.max(0, next - cold);
        };
    }

    /** The stream goes on until then. */
    private void stream(double until) {
        double pages = Math.min((until - streamedUntil) / link.contentPageNanos(), hot + cold);
        if (pages > 0) {
            double taken = Math.min(hot, hotAmong(pages));
            hot -= taken;
            cold = Math.max(0, cold - (pages - taken));
            streamedUntil += pages * link.contentPageNanos();
        }
    }

    /** Pages sent by request alone or by the stream alone: all that were missing. */
    long contentPages() {
        return missingPages;
    }

    long duplicatePages() {
        return Math.round(duplicate);
    }

    long faults() {
        return Math.round(answered + duplicate);
    }

    long blockedMicros() {
        return Math.round(blockedNanos / 1e3);
    }

    /** Bytes of frames, both ways. */
    double wireBytes() {
        return link.passBytes(new SentPages(missingPages - answered, marks.zero(), marks.unneeded()))
                + (answered + duplicate) * link.answerBytes();
    }
}

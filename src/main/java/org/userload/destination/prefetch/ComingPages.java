package org.userload.destination.prefetch;

import java.util.concurrent.atomic.LongAdder;
import java.util.stream.IntStream;
import org.userload.memory.AtomicBitmap;
import org.userload.memory.GuestMemory;
import org.userload.protocol.Preference;

/**
 * Pages that the source was told to send first: which they are, which of them have come, and which come next.
 *
 * <p>A touched page is asked for at once, wherever it is, with one exception: it is about to come in the stream, sooner than
 * an answer would. A thread that scans what is being read ahead overtakes it again and again; if each such fault were a
 * request, much of the link would carry pages twice. "Sooner" is the number of pages before it times the time that a page has
 * taken lately, against the time that answers have taken lately; and pages must be coming just now, or the source just have been told. If the page has not come
 * after {@link #patienceNanos()}, it is asked for after all.
 *
 * <p><b>Threads.</b> {@link #preferred}, {@link #started} and {@link #arrived} on the stream loop; {@link #want}, {@link #isAlmostHere} and
 * {@link #answered} on the fault loop; the rest on any.
 */
public final class ComingPages {
    /** Read-ahead under way at once; more is sent and not waited for. */
    private static final int SOON_RUNS = 1 << 12;

    /** Pages before a page for which it may be worth waiting. */
    private static final int MOST_PAGES = 256;

    /** What an answer takes until one was measured. */
    private static final long FIRST_ANSWER_NANOS = 200_000;

    private static final long LEAST_PATIENCE_NANOS = 1_000_000;
    private static final int PATIENCE_ANSWERS = 2;

    /** Pages are coming just now if the latest came, or the source was told, no longer ago than so many answers take. */
    private static final int FLOW_ANSWERS = 2;

    /** New measurements count as much as this many before them together, as a shift. */
    private static final int SMOOTHING_SHIFT = 3;

    private final GuestMemory memory;
    private final AtomicBitmap[] wanted;
    private final ComingRuns soon = new ComingRuns(SOON_RUNS);
    private final ComingRuns first;
    private final LongAdder preferredPages = new LongAdder();
    private final LongAdder cameIn = new LongAdder();

    /** Written on the stream loop. */
    private volatile long nanosPerPage;

    /** When the latest page came, or the source was told. Written on the stream loop. */
    private volatile long movedNanos;

    /** Stream loop. 0 while nothing is to come. */
    private long arrivedNanos;

    /** Fault loop. */
    private long answerNanos = FIRST_ANSWER_NANOS;

    /** @param workingSetRuns the most runs of a working set */
    public ComingPages(GuestMemory memory, int workingSetRuns) {
        this.memory = memory;
        this.first = new ComingRuns(Math.max(1, Integer.highestOneBit(2 * workingSetRuns - 1)));
        this.wanted = IntStream.range(0, memory.regionCount())
                .mapToObj(region -> new AtomicBitmap(memory.region(region).pageCount()))
                .toArray(AtomicBitmap[]::new);
    }

    /** The first pages of a range that were never wanted and are not here are wanted from now on; 0 to all of them. */
    public long want(int region, long firstPage, long end) {
        AtomicBitmap received = memory.region(region).received();
        long stop = wanted[region].nextSet(firstPage, received.nextSet(firstPage, end));
        preferredPages.add(wanted[region].set(firstPage, stop - firstPage));
        return stop - firstPage;
    }

    /** The first page of a range that is wanted for the first time; {@code end} when there is none. */
    public long nextToWant(int region, long firstPage, long end) {
        AtomicBitmap received = memory.region(region).received();
        long page = firstPage;
        while (page < end) {
            long missing = received.nextClear(page, end);
            page = wanted[region].nextClear(missing, end);
            if (page == missing) {
                return page;
            }
        }
        return end;
    }

    /** The source is being told. */
    public void preferred(Preference how, int region, long firstPage, int count) {
        (how == Preference.SOON ? soon : first).add(region, firstPage, count);
        movedNanos = System.nanoTime();
    }

    /** The source is being told to begin. */
    public void started() {
        movedNanos = System.nanoTime();
    }

    /** Pages have come in the stream. */
    public void arrived(int region, long firstPage, int count, long nowNanos) {
        if (arrivedNanos != 0) {
            long perPage = Math.max(0, nowNanos - arrivedNanos) / count;
            nanosPerPage = smoothed(nanosPerPage, perPage);
        }
        cameIn.add(wanted[region].cardinality(firstPage, count));
        if (!soon.isEmpty()) {
            soon.arrived(memory, region, firstPage, count);
        }
        if (!first.isEmpty()) {
            first.arrived(memory, region, firstPage, count);
        }
        movedNanos = nowNanos;
        arrivedNanos = soon.isEmpty() && first.isEmpty() ? 0 : nowNanos;
    }

    /** A page that was asked for has come after this time. */
    public void answered(long nanos) {
        answerNanos = smoothed(answerNanos, nanos);
    }

    private static long smoothed(long before, long now) {
        return before == 0 ? now : before + ((now - before) >> SMOOTHING_SHIFT);
    }

    /** Whether a missing page will come in the stream before an answer would. */
    public boolean isAlmostHere(int region, long page, long nowNanos) {
        if (nowNanos - movedNanos > FLOW_ANSWERS * answerNanos) {
            return false;
        }
        int distance = soon.distance(region, page, MOST_PAGES);
        if (distance < 0 && soon.isEmpty()) {
            distance = first.distance(region, page, MOST_PAGES);
        }
        return distance >= 0 && distance * nanosPerPage <= answerNanos;
    }

    /** How long to wait for a page that is almost here. */
    public long patienceNanos() {
        return Math.max(LEAST_PATIENCE_NANOS, PATIENCE_ANSWERS * answerNanos);
    }

    /** Whether the source was told to send this page before others. */
    public boolean wasPreferred(int region, long page) {
        return wanted[region].get(page);
    }

    /** Pages that the source was told to send before others. */
    public long preferredPages() {
        return preferredPages.sum();
    }

    /** Of these, pages that came in the stream. */
    public long cameIn() {
        return cameIn.sum();
    }
}

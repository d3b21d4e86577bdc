package org.userload.hint;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.userload.channel.ChannelRefusal;
import org.userload.channel.Port;
import org.userload.channel.PortHandler;
import org.userload.channel.PortService;
import org.userload.channel.RefusedFrameException;
import org.userload.channel.SendOutcome;

/**
 * The host's end of port {@value MemoryMessage#PORT}: asks one guest for its free pages and carries the messages of its balloon.
 *
 * <p><b>Ids.</b> Each report goes to the guest under a number that this port never uses again, whatever id the caller gave
 * it and however often the guest comes back. Only messages with the number of the report under way reach its sink; others are
 * {@linkplain #staleMessages() counted} and dropped. So what a guest says late can never pass for an answer to a later
 * question, not even to that of another migration which counts its ids from 1 again.
 *
 * <p>For one channel at a time.
 *
 * <p><b>Ends.</b> A report ends with the guest's HINT_DONE, with {@link #stop}, with the next report, when the guest closes the
 * port or its channel ends, and after a time limit; each of its futures completes once, and after that its sink is not called
 * again. A guest that is not there yet is waited for within that limit.
 *
 * <p><b>Threads.</b> Any thread may call; sink and listener are called on the thread of the channel, the sink under the
 * lock of this port: it must not wait, and {@link #report} and {@link #stop} wait for a call that is under way. Futures complete
 * on the thread of the channel, that of a caller, or when time is over one of the common pool.
 */
public final class GuestMemoryPort implements PortService, FreePageReporter {
    /** How long a guest may take for a report, unless the constructor says otherwise. */
    public static final Duration DEFAULT_REPORT_LIMIT = Duration.ofSeconds(10);

    /** A report under way. */
    private record Report(int id, long wireId, FreePageSink sink, CompletableFuture<Void> future) {}

    /** A question that the guest has not answered. */
    private record ReclaimQuestion(long wireId, CompletableFuture<Long> future) {}

    private final GuestMemoryListener listener;
    private final Duration reportLimit;
    private final LongAdder staleMessages = new LongAdder();
    private final LongAdder hintBytes = new LongAdder();
    private final Object lock = new Object();

    /** All guarded by {@code lock}; futures complete without it. */
    private @Nullable Port port;

    private @Nullable Report current;
    private @Nullable ReclaimQuestion reclaim;
    private long lastWireId;

    /** @param listener gets the messages of the balloon */
    public GuestMemoryPort(GuestMemoryListener listener) {
        this(listener, DEFAULT_REPORT_LIMIT);
    }

    /** @param reportLimit above 0: how long a guest may take for a report */
    public GuestMemoryPort(GuestMemoryListener listener, Duration reportLimit) {
        if (reportLimit.isNegative() || reportLimit.isZero()) {
            throw new IllegalArgumentException("a report needs time, not " + reportLimit);
        }
        this.listener = listener;
        this.reportLimit = reportLimit;
    }

    @Override
    public String name() {
        return MemoryMessage.PORT;
    }

    @Override
    public int lowestVersion() {
        return MemoryMessage.VERSION;
    }

    @Override
    public int highestVersion() {
        return MemoryMessage.VERSION;
    }

    /** Messages of reports that had ended, or that nobody has asked for. */
    public long staleMessages() {
        return staleMessages.sum();
    }

    /** Bytes of messages that reached a sink, without headers. */
    public long hintBytes() {
        return hintBytes.sum();
    }

    /** Whether the guest has the port open. */
    public boolean isConnected() {
        synchronized (lock) {
            return port != null;
        }
    }

    /** {@inheritDoc} Fails with {@link GuestUnreachableException}. */
    @Override
    public CompletableFuture<Void> report(int id, FreePageSink sink) {
        Report begun;
        Report superseded;
        SendOutcome outcome;
        synchronized (lock) {
            superseded = current;
            begun = new Report(id, ++lastWireId, sink, new CompletableFuture<>());
            current = begun;
            outcome = port == null
                    ? SendOutcome.SENT
                    : port.send(MemoryMessage.HINT_START, MemoryMessage.number(begun.wireId()));
        }
        if (superseded != null) {
            superseded.future().complete(null);
        }
        if (outcome != SendOutcome.SENT) {
            fail(begun, unasked(outcome));
            return begun.future();
        }
        limit(begun);
        return begun.future();
    }

    private void limit(Report report) {
        CompletableFuture<Void> timer = new CompletableFuture<>();
        report.future().whenComplete((done, problem) -> timer.complete(null));
        timer.orTimeout(reportLimit.toNanos(), TimeUnit.NANOSECONDS).exceptionallyAsync(late -> {
            fail(report, "the guest did not report its free pages within " + reportLimit.toMillis() + " ms");
            return null;
        });
    }

    private static String unasked(SendOutcome outcome) {
        return outcome == SendOutcome.FULL
                ? "the guest does not read its messages, so it cannot be asked"
                : "the guest has no channel open, so it cannot be asked";
    }

    @Override
    public void stop(int id) {
        Report stopped;
        synchronized (lock) {
            stopped = current;
            if (stopped == null || stopped.id() != id) {
                return;
            }
            endAtGuest(stopped);
        }
        stopped.future().complete(null);
    }

    /** If the guest has no room for the message, it goes on for nothing: its messages are stale. */
    private void endAtGuest(Report report) {
        current = null;
        if (port != null) {
            port.send(MemoryMessage.HINT_STOP, MemoryMessage.number(report.wireId()));
        }
    }

    private void fail(Report report, String problem) {
        synchronized (lock) {
            if (current != null && current.wireId() == report.wireId()) {
                endAtGuest(report);
            }
        }
        report.future().completeExceptionally(new GuestUnreachableException(problem));
    }

    /**
     * Asks the guest to have so many pages of 4096 bytes in its balloon. The guest tells of each change.
     *
     * @return {@link SendOutcome#CLOSED} also while there is no guest
     */
    public SendOutcome balloonTarget(long pages) {
        return sent(MemoryMessage.BALLOON_TARGET, pages);
    }

    /**
     * Asks the guest to put what it can spare into its balloon, but to keep so many pages of 4096 bytes available.
     *
     * @return completes with the pages that are available then, when the guest is through; exceptionally with {@link
     *     GuestUnreachableException} when there is none, it is gone, or is asked again. No time limit: whoever waits has one,
     *     and may cancel
     */
    public CompletableFuture<Long> reclaim(long floorPages) {
        checkPages(floorPages);
        ReclaimQuestion asked;
        ReclaimQuestion superseded;
        SendOutcome outcome;
        synchronized (lock) {
            superseded = reclaim;
            asked = new ReclaimQuestion(++lastWireId, new CompletableFuture<>());
            outcome = port == null
                    ? SendOutcome.CLOSED
                    : port.send(MemoryMessage.RECLAIM, MemoryMessage.idAndPages(asked.wireId(), floorPages));
            reclaim = outcome == SendOutcome.SENT ? asked : null;
        }
        if (superseded != null) {
            superseded.future().completeExceptionally(new GuestUnreachableException("the guest was asked again"));
        }
        if (outcome != SendOutcome.SENT) {
            asked.future().completeExceptionally(new GuestUnreachableException(unasked(outcome)));
        }
        return asked.future();
    }

    private void reclaimed(long wireId, long pages) {
        ReclaimQuestion answered;
        synchronized (lock) {
            answered = reclaim;
            if (answered == null || answered.wireId() != wireId) {
                staleMessages.increment();
                return;
            }
            reclaim = null;
        }
        answered.future().complete(pages);
    }

    private SendOutcome sent(int type, long pages) {
        checkPages(pages);
        synchronized (lock) {
            return port == null ? SendOutcome.CLOSED : port.send(type, MemoryMessage.number(pages));
        }
    }

    private static void checkPages(long pages) {
        if (pages < 0 || pages > MemoryMessage.END_OF_PAGES) {
            throw new IllegalArgumentException("not a number of pages: " + pages);
        }
    }

    @Override
    public PortHandler opened(Port opened) {
        synchronized (lock) {
            port = opened;
            if (current != null) {
                opened.send(MemoryMessage.HINT_START, MemoryMessage.number(current.wireId()));
            }
        }
        listener.connected();
        return new FromGuest(opened);
    }

    private final class FromGuest implements PortHandler {
        private final Port own;

        /** Used again for each message. */
        private final RangeBatch ranges = new RangeBatch();

        FromGuest(Port own) {
            this.own = own;
        }

        @Override
        public void message(int type, ByteBuffer body) throws RefusedFrameException {
            switch (type) {
                case MemoryMessage.FREE_RANGES -> {
                    long wireId = MemoryMessage.id(body);
                    read(body);
                    hint(wireId, body, sink -> sink.freeRanges(ranges));
                }
                case MemoryMessage.FREE_BITMAP -> {
                    long wireId = MemoryMessage.id(body);
                    FreeBits bits = MemoryMessage.bits(body);
                    hint(wireId, body, sink -> sink.freeBits(bits));
                }
                case MemoryMessage.HINT_DONE -> done(MemoryMessage.number(body));
                case MemoryMessage.INFLATE -> {
                    long id = MemoryMessage.id(body);
                    read(body);
                    answer(id, listener.inflate(ranges));
                }
                case MemoryMessage.DEFLATE -> {
                    long id = MemoryMessage.id(body);
                    read(body);
                    answer(id, listener.deflate(ranges));
                }
                case MemoryMessage.RECLAIMED -> reclaimed(MemoryMessage.id(body), MemoryMessage.pagesBehindId(body));
                case MemoryMessage.AVAILABLE -> listener.available(MemoryMessage.pages(body));
                default -> throw new RefusedFrameException(ChannelRefusal.UNKNOWN_TYPE);
            }
        }

        private void read(ByteBuffer body) throws RefusedFrameException {
            ranges.clear();
            MemoryMessage.ranges(body, ranges);
        }

        /** Without an answer the guest takes its pages for the host's, so that is safe, but its own fault. */
        private void answer(long id, HintResult result) throws RefusedFrameException {
            SendOutcome outcome = result instanceof HintResult.Refused refused
                    ? own.send(MemoryMessage.BALLOON_REFUSED, MemoryMessage.refused(id, refused.message()))
                    : own.send(MemoryMessage.BALLOON_DONE, MemoryMessage.number(id));
            if (outcome == SendOutcome.FULL) {
                throw new RefusedFrameException(ChannelRefusal.NO_ROOM_FOR_ANSWER);
            }
        }

        @Override
        public void closed() {
            Report left;
            ReclaimQuestion asked;
            synchronized (lock) {
                if (!own.equals(port)) {
                    return;
                }
                port = null;
                left = current;
                current = null;
                asked = reclaim;
                reclaim = null;
            }
            GuestUnreachableException gone =
                    new GuestUnreachableException("the guest has closed its channel before it has answered");
            if (left != null) {
                left.future().completeExceptionally(gone);
            }
            if (asked != null) {
                asked.future().completeExceptionally(gone);
            }
            listener.disconnected();
        }
    }

    private void hint(long wireId, ByteBuffer body, Consumer<FreePageSink> call) {
        synchronized (lock) {
            Report report = current;
            if (report == null || report.wireId() != wireId || report.future().isDone()) {
                staleMessages.increment();
                return;
            }
            hintBytes.add(body.remaining());
            call.accept(report.sink());
        }
    }

    private void done(long wireId) {
        Report report;
        synchronized (lock) {
            report = current;
            if (report == null || report.wireId() != wireId || report.future().isDone()) {
                staleMessages.increment();
                return;
            }
            current = null;
        }
        report.future().complete(null);
    }
}

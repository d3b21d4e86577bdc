package org.userload.hint;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.userload.channel.ChannelClosedException;
import org.userload.channel.ChannelLayout;
import org.userload.channel.ChannelRefusal;
import org.userload.channel.GuestChannel;
import org.userload.channel.Port;
import org.userload.channel.PortHandler;
import org.userload.channel.RefusedFrameException;
import org.userload.channel.SendOutcome;

/**
 * The guest's end of port {@value MemoryMessage#PORT}: answers the host's questions about free memory, moves its balloon.
 *
 * <p>Owns a thread, {@code userload-guest-memory}; it waits while the host does not read. It is over when the channel is. The
 * channel is not closed by this. {@link #inflate}, {@link #deflate} and {@link #available} may be called by any thread.
 */
public final class GuestMemoryAgent implements AutoCloseable {
    /** Most ranges of one message, of up to 2^20 pages each; a longer one counts as several. */
    public static final int MAX_RANGES = (ChannelLayout.MAX_BODY_BYTES - MemoryMessage.RANGES_OFFSET) / Long.BYTES;

    /** How often a wait for a host that does not read looks whether the report is still wanted. */
    private static final Duration SEND_STEP = Duration.ofMillis(100);

    private static final Duration LONGEST_JOIN = Duration.ofSeconds(5);
    private static final long NONE = -1;

    private final GuestFreeMemory freeMemory;
    private final GuestBalloon balloon;
    private final boolean mayTurnIntoBits;
    private final CompletableFuture<Port> port;
    private final Thread thread;

    private final Object lock = new Object();

    /** What the host wants, at most one of each kind: the last one counts. All guarded by {@code lock}. */
    private long hintId = NONE;

    private long target = NONE;
    private long floor = NONE;
    private long floorId;
    private boolean closed;

    /** What the host has not answered, by id. */
    private final Map<Long, CompletableFuture<BalloonAnswer>> asked = new ConcurrentHashMap<>();

    private final AtomicLong lastAsked = new AtomicLong();

    /** The id of the report under way that is wanted, or null. */
    private final AtomicReference<@Nullable Long> wanted = new AtomicReference<>();

    private GuestMemoryAgent(
            GuestChannel channel, GuestFreeMemory freeMemory, GuestBalloon balloon, boolean mayTurnIntoBits) {
        this.freeMemory = freeMemory;
        this.balloon = balloon;
        this.mayTurnIntoBits = mayTurnIntoBits;
        this.thread = new Thread(this::run, "userload-guest-memory");
        thread.setDaemon(true);
        this.port = channel.open(
                MemoryMessage.PORT, MemoryMessage.VERSION, MemoryMessage.VERSION, opened -> new FromHost());
    }

    /** Opens the port; questions are answered as soon as the host has. */
    public static GuestMemoryAgent open(GuestChannel channel, GuestFreeMemory freeMemory, GuestBalloon balloon) {
        return open(channel, freeMemory, balloon, true);
    }

    /** @param mayTurnIntoBits whether ranges may go as bits where that is shorter */
    public static GuestMemoryAgent open(
            GuestChannel channel, GuestFreeMemory freeMemory, GuestBalloon balloon, boolean mayTurnIntoBits) {
        GuestMemoryAgent agent = new GuestMemoryAgent(channel, freeMemory, balloon, mayTurnIntoBits);
        agent.thread.start();
        return agent;
    }

    /** Completes when the host has opened the port, exceptionally if it does not. */
    public CompletableFuture<Void> connected() {
        return port.thenAccept(opened -> {});
    }

    private final class FromHost implements PortHandler {
        @Override
        public void message(int type, ByteBuffer body) throws RefusedFrameException {
            switch (type) {
                case MemoryMessage.HINT_START -> start(MemoryMessage.number(body));
                case MemoryMessage.HINT_STOP -> stop(MemoryMessage.number(body));
                case MemoryMessage.BALLOON_TARGET -> {
                    long pages = MemoryMessage.pages(body);
                    synchronized (lock) {
                        target = pages;
                        lock.notifyAll();
                    }
                }
                case MemoryMessage.RECLAIM -> {
                    long id = MemoryMessage.id(body);
                    long pages = MemoryMessage.pagesBehindId(body);
                    synchronized (lock) {
                        floor = pages;
                        floorId = id;
                        lock.notifyAll();
                    }
                }
                case MemoryMessage.BALLOON_DONE -> answered(MemoryMessage.number(body), "");
                case MemoryMessage.BALLOON_REFUSED -> answered(MemoryMessage.id(body), MemoryMessage.why(body));
                default -> throw new RefusedFrameException(ChannelRefusal.UNKNOWN_TYPE);
            }
        }

        private void start(long id) {
            synchronized (lock) {
                hintId = id;
                wanted.set(id);
                lock.notifyAll();
            }
        }

        private void answered(long id, String refusal) throws RefusedFrameException {
            CompletableFuture<BalloonAnswer> waiting = asked.remove(id);
            if (waiting == null) {
                throw new RefusedFrameException(ChannelRefusal.MALFORMED);
            }
            waiting.complete(new BalloonAnswer(refusal.isEmpty(), refusal));
        }

        private void stop(long id) {
            synchronized (lock) {
                if (hintId == id) {
                    hintId = NONE;
                }
                Long current = wanted.get();
                if (current != null && current == id) {
                    wanted.set(null);
                }
            }
        }

        @Override
        public void closed() {
            end();
        }
    }

    private void end() {
        synchronized (lock) {
            closed = true;
            wanted.set(null);
            lock.notifyAll();
        }
        failAsked();
    }

    private void run() {
        try {
            while (work()) {
                // One thing after the other.
            }
        } catch (InterruptedException | ChannelClosedException e) {
            // Closed here, or by the host: nobody asks any more.
        } finally {
            end();
            port.thenAccept(Port::close);
        }
    }

    /** Waits for something to do and does it; false when all is over. */
    private boolean work() throws InterruptedException, ChannelClosedException {
        long hint;
        long toTarget;
        long toFloor;
        long toFloorId;
        synchronized (lock) {
            while (!closed && hintId == NONE && target == NONE && floor == NONE) {
                lock.wait();
            }
            if (closed) {
                return false;
            }
            hint = hintId;
            toTarget = target;
            toFloor = floor;
            toFloorId = floorId;
            hintId = NONE;
            target = NONE;
            floor = NONE;
        }
        if (hint != NONE) {
            report(hint);
        }
        if (toTarget != NONE) {
            balloon.target(toTarget);
        }
        if (toFloor != NONE) {
            long left = balloon.reclaim(toFloor);
            sendOrThrow(MemoryMessage.RECLAIMED, MemoryMessage.idAndPages(toFloorId, left));
        }
        return true;
    }

    private void report(long id) throws InterruptedException, ChannelClosedException {
        HintWriter writer = new HintWriter(id, (type, body) -> send(type, body, () -> isWanted(id)), mayTurnIntoBits);
        freeMemory.report(writer);
        if (writer.flush()) {
            send(MemoryMessage.HINT_DONE, MemoryMessage.number(id), () -> isWanted(id));
        }
    }

    private boolean isWanted(long id) {
        Long current = wanted.get();
        return current != null && current == id;
    }

    /**
     * What the host did.
     *
     * @param done all of the message was done; if not, nothing of it
     * @param refusal why it was not done, or empty
     */
    public record BalloonAnswer(boolean done, String refusal) {}

    /**
     * Gives pages to the host; from now on they are the host's unless it refuses. Waits while the host does not read.
     *
     * @param pages in pages of 4096 bytes from guest address 0; at most {@value #MAX_RANGES} ranges
     * @return completes with the host's answer, on the thread of the channel; or with {@link ChannelClosedException}
     * @throws ChannelClosedException if the host is gone or does not know the port
     */
    public CompletableFuture<BalloonAnswer> inflate(RangeBatch pages)
            throws InterruptedException, ChannelClosedException {
        return sendRanges(MemoryMessage.INFLATE, pages);
    }

    /** As {@link #inflate}: wants pages back. They are the host's until it has answered that it is done. */
    public CompletableFuture<BalloonAnswer> deflate(RangeBatch pages)
            throws InterruptedException, ChannelClosedException {
        return sendRanges(MemoryMessage.DEFLATE, pages);
    }

    /** Says how many pages of 4096 bytes could be given to the host. Waits while the host does not read. */
    public void available(long pages) throws InterruptedException, ChannelClosedException {
        sendOrThrow(MemoryMessage.AVAILABLE, MemoryMessage.number(pages));
    }

    private CompletableFuture<BalloonAnswer> sendRanges(int type, RangeBatch pages)
            throws InterruptedException, ChannelClosedException {
        long id = lastAsked.incrementAndGet();
        ByteBuffer body = ByteBuffer.allocate(ChannelLayout.MAX_BODY_BYTES).putLong(id);
        for (int i = 0; i < pages.size(); i++) {
            MemoryMessage.checkRange(pages.first(i), pages.count(i));
            long at = pages.first(i);
            for (long left = pages.count(i); left > 0; left -= MemoryMessage.MAX_RANGE_PAGES) {
                if (!body.hasRemaining()) {
                    throw new IllegalArgumentException("more than " + MAX_RANGES + " ranges in a message");
                }
                body.putLong(MemoryMessage.range(at, Math.min(MemoryMessage.MAX_RANGE_PAGES, left)));
                at += MemoryMessage.MAX_RANGE_PAGES;
            }
        }
        CompletableFuture<BalloonAnswer> answer = new CompletableFuture<>();
        asked.put(id, answer);
        try {
            sendOrThrow(type, body.flip());
        } catch (InterruptedException | ChannelClosedException e) {
            asked.remove(id);
            throw e;
        }
        if (isClosed()) {
            failAsked();
        }
        return answer;
    }

    private boolean isClosed() {
        synchronized (lock) {
            return closed;
        }
    }

    private void failAsked() {
        for (Long id : List.copyOf(asked.keySet())) {
            CompletableFuture<BalloonAnswer> waiting = asked.remove(id);
            if (waiting != null) {
                waiting.completeExceptionally(
                        new ChannelClosedException("the host has not answered before the end of the channel"));
            }
        }
    }

    private void sendOrThrow(int type, ByteBuffer body) throws InterruptedException, ChannelClosedException {
        if (!send(type, body, () -> true)) {
            throw new ChannelClosedException("the host does not listen to " + MemoryMessage.PORT + " any more");
        }
    }

    /** Gives whether the message was sent; it is not when the port is closed, or it is not wanted any more. */
    private boolean send(int type, ByteBuffer body, BooleanSupplier stillWanted) throws InterruptedException {
        Port open;
        try {
            open = port.join();
        } catch (CompletionException e) {
            return false;
        }
        while (stillWanted.getAsBoolean()) {
            SendOutcome outcome = open.send(type, body, SEND_STEP);
            if (outcome != SendOutcome.FULL) {
                return outcome == SendOutcome.SENT;
            }
        }
        return false;
    }

    /** Closes the port and ends the thread, once it has done what it is at, which is told to stop; waits up to 5 s. */
    @Override
    public void close() {
        end();
        if (Thread.currentThread() == thread) {
            return;
        }
        thread.interrupt();
        try {
            thread.join(LONGEST_JOIN.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

package org.userload.hint;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
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
    private boolean closed;

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
                    long pages = MemoryMessage.pages(body);
                    synchronized (lock) {
                        floor = pages;
                        lock.notifyAll();
                    }
                }
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
            available(balloon.reclaim(toFloor));
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
     * Gives pages to the host. Waits while the host does not read.
     *
     * @param pages in pages of 4096 bytes from guest address 0; more than 8192 ranges go as several messages
     * @throws ChannelClosedException if the host is gone or does not know the port
     */
    public void inflate(RangeBatch pages) throws InterruptedException, ChannelClosedException {
        sendRanges(MemoryMessage.INFLATE, pages);
    }

    /** As {@link #inflate}: takes pages back. */
    public void deflate(RangeBatch pages) throws InterruptedException, ChannelClosedException {
        sendRanges(MemoryMessage.DEFLATE, pages);
    }

    /** Says how many pages of 4096 bytes could be given to the host. Waits while the host does not read. */
    public void available(long pages) throws InterruptedException, ChannelClosedException {
        sendOrThrow(MemoryMessage.AVAILABLE, MemoryMessage.number(pages));
    }

    private void sendRanges(int type, RangeBatch pages) throws InterruptedException, ChannelClosedException {
        ByteBuffer body = ByteBuffer.allocate(ChannelLayout.MAX_BODY_BYTES);
        for (int i = 0; i < pages.size(); i++) {
            MemoryMessage.checkRange(pages.first(i), pages.count(i));
        }
        for (int i = 0; i < pages.size(); i++) {
            long end = pages.first(i) + pages.count(i);
            for (long at = pages.first(i); at < end; at += MemoryMessage.MAX_RANGE_PAGES) {
                if (!body.hasRemaining()) {
                    sendOrThrow(type, body.flip());
                    body.clear();
                }
                body.putLong(MemoryMessage.range(at, Math.min(MemoryMessage.MAX_RANGE_PAGES, end - at)));
            }
        }
        if (body.position() > 0) {
            sendOrThrow(type, body.flip());
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

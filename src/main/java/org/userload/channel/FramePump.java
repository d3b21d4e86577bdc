package org.userload.channel;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.userload.channel.ChannelEnd.Reason;

/**
 * The thread of one end of a channel. It writes what waits, reads what is there, gives whole frames away, and sleeps when
 * there is nothing of either. While a handler is at work nothing is read, so the pipe fills and the peer has to wait: that
 * is the backpressure.
 *
 * <p>A frame is copied from the pipe to a buffer of fixed size before anything of it is looked at.
 */
final class FramePump {
    /** Gets what the thread reads, on the thread. */
    interface Frames {
        /**
         * A frame that is whole. The body is valid during the call only.
         *
         * @throws RefusedFrameException to have it counted
         */
        void frame(int kind, int port, int type, ByteBuffer body) throws RefusedFrameException;

        /** Nothing will come any more. Once. */
        void ended(ChannelEnd end);
    }

    /** The receive buffer holds so many of the longest frames. */
    private static final int FRAMES_BUFFERED = 4;

    /** A closed end goes on writing for so long. */
    private static final Duration LINGER = Duration.ofMillis(200);

    /** Nothing depends on it: every reason to wake up ends the wait. */
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(1);

    private static final Duration LONGEST_JOIN = Duration.ofSeconds(5);

    private final BytePipe pipe;
    private final ChannelLimits limits;
    private final Frames frames;
    private final Outbox outbox;
    private final ByteBuffer in;
    private final RefusalLimit refusalLimit;
    private final ChannelCounters counters = new ChannelCounters();
    private final AtomicReference<ChannelEnd> closing = new AtomicReference<>();
    private final CompletableFuture<ChannelEnd> ended = new CompletableFuture<>();
    private final Thread thread;
    private boolean peerReads = true;

    FramePump(String threadName, BytePipe pipe, ChannelLimits limits, Frames frames) {
        this.pipe = pipe;
        this.limits = limits;
        this.frames = frames;
        this.outbox = new Outbox(limits.outboundBytes());
        this.in = ByteBuffer.allocateDirect(FRAMES_BUFFERED * (ChannelLayout.HEADER_BYTES + limits.bodyBytes()));
        this.refusalLimit = new RefusalLimit(limits.refusals(), limits.refusalsForgivenPerSecond(), System.nanoTime());
        this.thread = new Thread(this::run, threadName);
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    ChannelCounters counters() {
        return counters;
    }

    Outbox outbox() {
        return outbox;
    }

    CompletableFuture<ChannelEnd> ended() {
        return ended;
    }

    boolean isOwnThread() {
        return Thread.currentThread() == thread;
    }

    SendOutcome send(int kind, int port, int type, ByteBuffer body) {
        return offered(outbox.offer(kind, port, type, checked(body)));
    }

    SendOutcome send(int kind, int port, int type, ByteBuffer body, Duration most) throws InterruptedException {
        if (isOwnThread()) {
            throw new IllegalStateException("the channel's own thread would wait for itself");
        }
        return offered(outbox.offer(kind, port, type, checked(body), most.toNanos()));
    }

    private ByteBuffer checked(ByteBuffer body) {
        if (body.remaining() > limits.bodyBytes()) {
            throw new IllegalArgumentException(
                    "a message has at most " + limits.bodyBytes() + " bytes, not " + body.remaining());
        }
        return body;
    }

    private SendOutcome offered(Outbox.Offer offer) {
        if (offer == Outbox.Offer.TAKEN_FIRST) {
            pipe.wake();
        }
        return offer.outcome();
    }

    /** Makes the thread end; what waits is written for a short time yet. Does not wait. */
    void end(ChannelEnd why) {
        if (closing.compareAndSet(null, why)) {
            pipe.wake();
        }
    }

    /** As {@link #end}, and waits until the thread has ended, up to 5 s if a handler does not return. */
    void close(ChannelEnd why) {
        end(why);
        if (isOwnThread()) {
            return;
        }
        try {
            thread.join(LONGEST_JOIN.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        ChannelEnd end;
        try {
            end = pump();
        } catch (IOException e) {
            end = new ChannelEnd(Reason.PEER_GONE, "the peer is gone: " + e.getMessage());
        } catch (RuntimeException | Error e) {
            end = new ChannelEnd(Reason.HANDLER_FAILED, "a handler failed: " + e);
        }
        outbox.close();
        pipe.close();
        try {
            frames.ended(end);
        } catch (RuntimeException | Error e) {
            end = new ChannelEnd(Reason.HANDLER_FAILED, end.text() + "; then a handler failed: " + e);
        }
        ended.complete(end);
    }

    private ChannelEnd pump() throws IOException {
        while (true) {
            ChannelEnd wanted = closing.get();
            if (wanted != null) {
                linger();
                return wanted;
            }
            int sent = flush();
            int got = pipe.read(in);
            if (got == BytePipe.ENDED) {
                return new ChannelEnd(Reason.PEER_GONE, "the peer has closed the channel");
            }
            if (got > 0) {
                counters.bytesIn(got);
                takeFrames();
            } else if (sent == 0) {
                pipe.await(true, outbox.isPending(), LONGEST_WAIT.toNanos());
            }
        }
    }

    /** A peer that does not read any more may have sent something before. */
    private int flush() {
        if (!peerReads) {
            return 0;
        }
        try {
            int sent = outbox.flushTo(pipe);
            counters.bytesOut(sent);
            return sent;
        } catch (IOException e) {
            peerReads = false;
            outbox.close();
            return 0;
        }
    }

    private void linger() throws IOException {
        long start = System.nanoTime();
        while (outbox.isPending()) {
            long left = LINGER.toNanos() - (System.nanoTime() - start);
            if (left <= TimeUnit.MILLISECONDS.toNanos(1)) {
                return;
            }
            if (flush() == 0) {
                pipe.await(false, true, left);
            }
        }
    }

    /** Gives away every whole frame in the buffer. */
    private void takeFrames() {
        in.flip();
        while (closing.get() == null && in.remaining() >= ChannelLayout.HEADER_BYTES) {
            int at = in.position();
            int length = bodyLength(at);
            if (length < 0 || in.remaining() - ChannelLayout.HEADER_BYTES < length) {
                break;
            }
            ByteBuffer body = in.slice(at + ChannelLayout.HEADER_BYTES, length);
            in.position(at + ChannelLayout.HEADER_BYTES + length);
            counters.framesIn(1);
            try {
                frames.frame(
                        Byte.toUnsignedInt(in.get(at + ChannelLayout.KIND_OFFSET)),
                        Short.toUnsignedInt(in.getShort(at + ChannelLayout.PORT_OFFSET)),
                        Short.toUnsignedInt(in.getShort(at + ChannelLayout.TYPE_OFFSET)),
                        body);
            } catch (RefusedFrameException e) {
                refused(e.reason());
            }
        }
        in.compact();
    }

    /** Of the frame that begins at {@code at}; -1 if it ends the channel. */
    private int bodyLength(int at) {
        boolean isFrame = Short.toUnsignedInt(in.getShort(at + ChannelLayout.MAGIC_OFFSET)) == ChannelLayout.MAGIC
                && in.get(at + ChannelLayout.FLAGS_OFFSET) == 0
                && in.getInt(at + ChannelLayout.RESERVED_OFFSET) == 0;
        if (!isFrame) {
            refused(ChannelRefusal.NOT_A_FRAME);
            return -1;
        }
        long length = Integer.toUnsignedLong(in.getInt(at + ChannelLayout.BODY_LENGTH_OFFSET));
        if (length > limits.bodyBytes()) {
            refused(ChannelRefusal.TOO_LONG);
            return -1;
        }
        return (int) length;
    }

    private void refused(ChannelRefusal reason) {
        counters.refused(reason);
        if (reason.endsChannel()) {
            end(new ChannelEnd(Reason.BROKEN_FRAME, "the peer sent a broken frame: " + reason));
        } else if (!refusalLimit.refuse(System.nanoTime())) {
            end(new ChannelEnd(
                    Reason.TOO_MANY_REFUSALS,
                    "the peer sent too much that was refused, " + counters.refusals() + " frames, last: " + reason));
        }
    }
}

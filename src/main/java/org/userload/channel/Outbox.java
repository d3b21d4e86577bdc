package org.userload.channel;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Frames that wait to be sent: a buffer of fixed size. Any thread puts frames in, the channel's thread takes bytes out.
 *
 * <p>Frames without a message (answers, CLOSE) may use a reserve beyond the limit, so that a port can be closed while
 * messages wait.
 */
final class Outbox {
    private static final int RESERVE_BYTES = 4096;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition room = lock.newCondition();
    private final ByteBuffer bytes;
    private final int limit;

    /** Bytes from {@code start} to before {@code end} wait. */
    private int start;

    private int end;
    private int mostWaiting;
    private boolean closed;

    Outbox(int limit) {
        this.limit = limit;
        this.bytes = ByteBuffer.allocateDirect(limit + RESERVE_BYTES);
    }

    /** Whether a frame was taken, and whether the outbox was empty before. */
    enum Offer {
        TAKEN_FIRST,
        TAKEN,
        FULL,
        CLOSED;

        SendOutcome outcome() {
            return switch (this) {
                case TAKEN_FIRST, TAKEN -> SendOutcome.SENT;
                case FULL -> SendOutcome.FULL;
                case CLOSED -> SendOutcome.CLOSED;
            };
        }
    }

    /** Takes a frame if there is room; the remaining bytes of {@code body} are copied, its position stays. */
    Offer offer(int kind, int port, int type, ByteBuffer body) {
        lock.lock();
        try {
            return offerLocked(kind, port, type, body);
        } finally {
            lock.unlock();
        }
    }

    /** As {@link #offer}, but waits for room up to a time. */
    Offer offer(int kind, int port, int type, ByteBuffer body, long mostNanos) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long left = mostNanos;
            Offer offer = offerLocked(kind, port, type, body);
            while (offer == Offer.FULL && left > 0) {
                left = room.awaitNanos(left);
                offer = offerLocked(kind, port, type, body);
            }
            return offer;
        } finally {
            lock.unlock();
        }
    }

    private Offer offerLocked(int kind, int port, int type, ByteBuffer body) {
        if (closed) {
            return Offer.CLOSED;
        }
        boolean wasEmpty = start == end;
        int most = kind == ChannelLayout.MESSAGE ? limit : bytes.capacity();
        int length = ChannelLayout.HEADER_BYTES + body.remaining();
        if (end - start + length > most) {
            return Offer.FULL;
        }
        if (bytes.capacity() - end < length) {
            bytes.limit(end).position(start).compact().clear();
            end -= start;
            start = 0;
        }
        bytes.putShort(end + ChannelLayout.MAGIC_OFFSET, (short) ChannelLayout.MAGIC);
        bytes.put(end + ChannelLayout.KIND_OFFSET, (byte) kind);
        bytes.put(end + ChannelLayout.FLAGS_OFFSET, (byte) 0);
        bytes.putShort(end + ChannelLayout.PORT_OFFSET, (short) port);
        bytes.putShort(end + ChannelLayout.TYPE_OFFSET, (short) type);
        bytes.putInt(end + ChannelLayout.BODY_LENGTH_OFFSET, body.remaining());
        bytes.putInt(end + ChannelLayout.RESERVED_OFFSET, 0);
        bytes.put(end + ChannelLayout.HEADER_BYTES, body, body.position(), body.remaining());
        end += length;
        mostWaiting = Math.max(mostWaiting, end - start);
        return wasEmpty ? Offer.TAKEN_FIRST : Offer.TAKEN;
    }

    /** Writes what the pipe takes; gives how many bytes. */
    int flushTo(BytePipe pipe) throws IOException {
        lock.lock();
        try {
            if (start == end) {
                return 0;
            }
            bytes.limit(end).position(start);
            int written;
            try {
                written = pipe.write(bytes);
            } finally {
                bytes.clear();
            }
            start += written;
            if (start == end) {
                start = 0;
                end = 0;
            }
            if (written > 0) {
                room.signalAll();
            }
            return written;
        } finally {
            lock.unlock();
        }
    }

    boolean isPending() {
        return waitingBytes() > 0;
    }

    /** Bytes that wait now. */
    int waitingBytes() {
        lock.lock();
        try {
            return end - start;
        } finally {
            lock.unlock();
        }
    }

    /** The most bytes that ever waited at a time. */
    int mostWaitingBytes() {
        lock.lock();
        try {
            return mostWaiting;
        } finally {
            lock.unlock();
        }
    }

    /** Takes nothing more and drops what waits; who waits for room goes on. Idempotent. */
    void close() {
        lock.lock();
        try {
            closed = true;
            start = 0;
            end = 0;
            room.signalAll();
        } finally {
            lock.unlock();
        }
    }
}

package org.userload.channel;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.userload.channel.ChannelEnd.Reason;

/**
 * One end of an open port. Any thread may call any method; messages of one thread arrive in order.
 *
 * <p>It is closed when either end closes it; then {@link #send} gives {@link SendOutcome#CLOSED}.
 */
public final class Port {
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0).asReadOnlyBuffer();

    private enum State {
        OPEN,
        /** Closed here; what the peer has sent meanwhile is dropped until its CLOSE comes. */
        CLOSING,
        CLOSED
    }

    private final FramePump pump;
    private final int number;
    private final String name;
    private final int version;
    private final AtomicReference<State> state = new AtomicReference<>(State.OPEN);

    /** Set and used on the thread of the channel. */
    private @Nullable PortHandler handler;

    Port(FramePump pump, int number, String name, int version) {
        this.pump = pump;
        this.number = number;
        this.name = name;
        this.version = version;
    }

    public String name() {
        return name;
    }

    /** The version that both ends have agreed on. */
    public int version() {
        return version;
    }

    /**
     * Sends a message if there is room for it. Does not wait, so a handler may call it.
     *
     * @param type 0 to 65535
     * @param body its remaining bytes are copied; its position stays
     * @throws IllegalArgumentException if it is longer than the limit of the channel
     */
    public SendOutcome send(int type, ByteBuffer body) {
        return state.get() == State.OPEN ? pump.send(ChannelLayout.MESSAGE, number, type, body) : SendOutcome.CLOSED;
    }

    /**
     * Sends a message as soon as there is room for it. Not for handlers, which run on the thread that makes the room.
     *
     * @param type 0 to 65535
     * @param body its remaining bytes are copied; its position stays
     * @param most the longest wait; then {@link SendOutcome#FULL}
     * @throws IllegalArgumentException if it is longer than the limit of the channel
     * @throws IllegalStateException if called by a handler
     */
    public SendOutcome send(int type, ByteBuffer body, Duration most) throws InterruptedException {
        return state.get() == State.OPEN
                ? pump.send(ChannelLayout.MESSAGE, number, type, body, most)
                : SendOutcome.CLOSED;
    }

    /** Closes the port at both ends. Idempotent, does not wait. A peer that leaves no room for that loses its channel. */
    public void close() {
        if (state.compareAndSet(State.OPEN, State.CLOSING)
                && pump.send(ChannelLayout.CLOSE, number, 0, NOTHING) == SendOutcome.FULL) {
            pump.end(new ChannelEnd(Reason.PEER_GONE, "the peer does not read, so port " + name + " cannot be closed"));
        }
    }

    void handler(PortHandler handler) {
        this.handler = handler;
    }

    void message(int type, ByteBuffer body) throws RefusedFrameException {
        if (state.get() == State.OPEN && handler != null) {
            handler.message(type, body);
        }
    }

    /** The peer has sent CLOSE. */
    void closedByPeer() throws RefusedFrameException {
        boolean answer = state.getAndSet(State.CLOSED) == State.OPEN;
        boolean full = answer && pump.send(ChannelLayout.CLOSE, number, 0, NOTHING) == SendOutcome.FULL;
        tellClosed();
        if (full) {
            throw new RefusedFrameException(ChannelRefusal.NO_ROOM_FOR_ANSWER);
        }
    }

    void channelEnded() {
        state.set(State.CLOSED);
        tellClosed();
    }

    private void tellClosed() {
        PortHandler told = handler;
        handler = null;
        if (told != null) {
            told.closed();
        }
    }
}

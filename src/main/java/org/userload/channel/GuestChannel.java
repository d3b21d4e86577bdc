package org.userload.channel;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.userload.channel.ChannelEnd.Reason;

/**
 * The guest's end of a channel. Owns a thread, {@code userload-channel-guest}, and the pipe. Any thread may call any method.
 */
public final class GuestChannel implements AutoCloseable {
    /** A port that the host has not answered for yet, or an open one. */
    private record Slot(
            String name,
            Function<Port, PortHandler> handler,
            CompletableFuture<Port> opened,
            @Nullable Port port) {}

    private final ChannelLimits limits;
    private final FramePump pump;
    private final Object lock = new Object();

    /** By number. Guarded by {@code lock}; handlers and futures are called without it. */
    private final Map<Integer, Slot> slots = new HashMap<>();

    private @Nullable ChannelEnd end;

    private GuestChannel(BytePipe pipe, ChannelLimits limits) {
        this.limits = limits;
        this.pump = new FramePump("userload-channel-guest", pipe, limits, new FromHost());
    }

    /**
     * Begins to use a pipe to the host.
     *
     * @param pipe closed with this
     */
    public static GuestChannel open(BytePipe pipe, ChannelLimits limits) {
        GuestChannel channel = new GuestChannel(pipe, limits);
        channel.pump.start();
        return channel;
    }

    /**
     * Asks the host for a port.
     *
     * @param lowestVersion the lowest version of its messages that the guest knows, 1 to 65535
     * @param highestVersion the highest
     * @param handler makes what gets the host's messages; on the thread of the channel, before the future completes
     * @return the port, on the thread of the channel; or a {@link ChannelClosedException} when the host refuses it, the
     *     channel ends, or there is no room or number left
     */
    public CompletableFuture<Port> open(
            String name, int lowestVersion, int highestVersion, Function<Port, PortHandler> handler) {
        if (!ChannelLayout.isName(name)
                || lowestVersion < 1
                || highestVersion < lowestVersion
                || highestVersion > ChannelLayout.MAX_U16) {
            throw new IllegalArgumentException(
                    "not a name and versions of a port: '" + name + "', " + lowestVersion + " to " + highestVersion);
        }
        CompletableFuture<Port> opened = new CompletableFuture<>();
        int number = reserve(new Slot(name, handler, opened, null));
        if (number < 0) {
            return opened;
        }
        byte[] chars = name.getBytes(StandardCharsets.US_ASCII);
        ByteBuffer body = ByteBuffer.allocate(ChannelLayout.NAME_OFFSET + chars.length)
                .putShort((short) lowestVersion)
                .putShort((short) highestVersion)
                .put(chars)
                .flip();
        if (pump.send(ChannelLayout.OPEN, number, 0, body) != SendOutcome.SENT) {
            synchronized (lock) {
                slots.remove(number);
            }
            opened.completeExceptionally(
                    new ChannelClosedException("port " + name + " cannot be opened: the host does not read"));
        }
        return opened;
    }

    /** A number for a new port, or -1 with its future completed. */
    private int reserve(Slot slot) {
        String problem;
        synchronized (lock) {
            if (end == null && slots.size() < limits.ports()) {
                int number = 0;
                while (slots.containsKey(number)) {
                    number++;
                }
                slots.put(number, slot);
                return number;
            }
            problem = end == null ? limits.ports() + " ports are open" : end.text();
        }
        slot.opened()
                .completeExceptionally(
                        new ChannelClosedException("port " + slot.name() + " cannot be opened: " + problem));
        return -1;
    }

    public ChannelCounters counters() {
        return pump.counters();
    }

    /** The most bytes that ever waited to be sent. */
    public int mostWaitingBytes() {
        return pump.outbox().mostWaitingBytes();
    }

    /** Completes when the thread has ended, on that thread. Never exceptionally. */
    public CompletableFuture<ChannelEnd> ended() {
        return pump.ended().copy();
    }

    /** Closes the ports and ends the thread; waits for a handler that is at work, up to 5 s. Idempotent. */
    @Override
    public void close() {
        pump.close(new ChannelEnd(Reason.CLOSED, "closed by the guest"));
    }

    private final class FromHost implements FramePump.Frames {
        @Override
        public void frame(int kind, int number, int type, ByteBuffer body) throws RefusedFrameException {
            switch (kind) {
                case ChannelLayout.MESSAGE -> port(number, false).message(type, body);
                case ChannelLayout.CLOSE -> port(number, true).closedByPeer();
                case ChannelLayout.OPENED -> opened(number, answer(body));
                case ChannelLayout.REFUSED -> refused(number, answer(body));
                default -> throw new RefusedFrameException(ChannelRefusal.UNKNOWN_KIND);
            }
        }

        @Override
        public void ended(ChannelEnd why) {
            List<Slot> left;
            synchronized (lock) {
                end = why;
                left = new ArrayList<>(slots.values());
                slots.clear();
            }
            for (Slot slot : left) {
                if (slot.port() != null) {
                    slot.port().channelEnded();
                }
                slot.opened().completeExceptionally(new ChannelClosedException("the channel has ended: " + why.text()));
            }
        }
    }

    private static int answer(ByteBuffer body) throws RefusedFrameException {
        if (body.remaining() != ChannelLayout.ANSWER_BYTES) {
            throw new RefusedFrameException(ChannelRefusal.MALFORMED);
        }
        return Short.toUnsignedInt(body.getShort(0));
    }

    private Port port(int number, boolean remove) throws RefusedFrameException {
        synchronized (lock) {
            Slot slot = slots.get(number);
            if (slot == null || slot.port() == null) {
                throw new RefusedFrameException(ChannelRefusal.UNKNOWN_PORT);
            }
            if (remove) {
                slots.remove(number);
            }
            return slot.port();
        }
    }

    private void opened(int number, int version) throws RefusedFrameException {
        Slot slot;
        Port port;
        synchronized (lock) {
            slot = slots.get(number);
            if (slot == null || slot.port() != null) {
                throw new RefusedFrameException(ChannelRefusal.UNKNOWN_PORT);
            }
            port = new Port(pump, number, slot.name(), version);
            slots.put(number, new Slot(slot.name(), slot.handler(), slot.opened(), port));
        }
        port.handler(slot.handler().apply(port));
        slot.opened().complete(port);
    }

    private void refused(int number, int reason) throws RefusedFrameException {
        Slot slot;
        synchronized (lock) {
            slot = slots.get(number);
            if (slot == null || slot.port() != null) {
                throw new RefusedFrameException(ChannelRefusal.UNKNOWN_PORT);
            }
            slots.remove(number);
        }
        slot.opened()
                .completeExceptionally(new ChannelClosedException(
                        "the host refuses port " + slot.name() + ": " + ChannelRefusal.nameOf(reason)));
    }
}

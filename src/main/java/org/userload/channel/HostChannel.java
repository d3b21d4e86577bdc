package org.userload.channel;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.userload.channel.ChannelEnd.Reason;

/**
 * The host's end of a channel to one guest. The guest opens ports, the host says which there are.
 *
 * <p>Owns a thread, {@code userload-channel-host}, and the pipe. The thread ends when the guest closes the channel, sends
 * what is not a frame, or sends too much that has to be refused; no other channel notices. Any thread may call any method.
 */
public final class HostChannel implements AutoCloseable {
    private final Map<String, PortService> services;
    private final ChannelLimits limits;
    private final FramePump pump;

    /** By number. On the thread of the channel only. */
    private final Map<Integer, Port> ports = new HashMap<>();

    private HostChannel(BytePipe pipe, ChannelLimits limits, Collection<PortService> services) {
        this.services = services.stream().collect(Collectors.toUnmodifiableMap(PortService::name, Function.identity()));
        this.limits = limits;
        this.pump = new FramePump("userload-channel-host", pipe, limits, new FromGuest());
    }

    /**
     * Begins to serve a guest.
     *
     * @param pipe to the guest; closed with this
     * @throws IllegalArgumentException if a service has no proper name or versions
     */
    public static HostChannel open(BytePipe pipe, ChannelLimits limits, List<PortService> services) {
        for (PortService service : services) {
            int lowest = service.lowestVersion();
            int highest = service.highestVersion();
            if (!ChannelLayout.isName(service.name())
                    || lowest < 1
                    || highest < lowest
                    || highest > ChannelLayout.MAX_U16) {
                throw new IllegalArgumentException(
                        "not a name and versions of a port: '" + service.name() + "', " + lowest + " to " + highest);
            }
        }
        HostChannel channel = new HostChannel(pipe, limits, services);
        channel.pump.start();
        return channel;
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
        pump.close(new ChannelEnd(Reason.CLOSED, "closed by the host"));
    }

    private final class FromGuest implements FramePump.Frames {
        @Override
        public void frame(int kind, int number, int type, ByteBuffer body) throws RefusedFrameException {
            switch (kind) {
                case ChannelLayout.MESSAGE -> known(number).message(type, body);
                case ChannelLayout.OPEN -> open(number, body);
                case ChannelLayout.CLOSE -> {
                    Port port = known(number);
                    ports.remove(number);
                    port.closedByPeer();
                }
                default -> throw new RefusedFrameException(ChannelRefusal.UNKNOWN_KIND);
            }
        }

        @Override
        public void ended(ChannelEnd end) {
            ports.values().forEach(Port::channelEnded);
            ports.clear();
        }
    }

    private Port known(int number) throws RefusedFrameException {
        Port port = ports.get(number);
        if (port == null) {
            throw new RefusedFrameException(ChannelRefusal.UNKNOWN_PORT);
        }
        return port;
    }

    private void open(int number, ByteBuffer body) throws RefusedFrameException {
        try {
            PortService service = asked(number, body);
            int version = Math.min(service.highestVersion(), highest(body));
            if (version < Math.max(service.lowestVersion(), lowest(body))) {
                throw new RefusedFrameException(ChannelRefusal.NO_COMMON_VERSION);
            }
            Port port = new Port(pump, number, service.name(), version);
            if (!answer(ChannelLayout.OPENED, number, version)) {
                throw new RefusedFrameException(ChannelRefusal.NO_ROOM_FOR_ANSWER);
            }
            ports.put(number, port);
            port.handler(service.opened(port));
        } catch (RefusedFrameException e) {
            // Whether the guest learns of it is its own affair; the refusal counts either way.
            answer(ChannelLayout.REFUSED, number, e.reason().code());
            throw e;
        }
    }

    private PortService asked(int number, ByteBuffer body) throws RefusedFrameException {
        if (body.remaining() <= ChannelLayout.NAME_OFFSET || lowest(body) < 1 || lowest(body) > highest(body)) {
            throw new RefusedFrameException(ChannelRefusal.BAD_OPEN);
        }
        int length = body.remaining() - ChannelLayout.NAME_OFFSET;
        if (length > ChannelLayout.MAX_NAME_CHARS) {
            throw new RefusedFrameException(ChannelRefusal.BAD_OPEN);
        }
        String name = StandardCharsets.ISO_8859_1
                .decode(body.slice(ChannelLayout.NAME_OFFSET, length))
                .toString();
        if (!ChannelLayout.isName(name)) {
            throw new RefusedFrameException(ChannelRefusal.BAD_OPEN);
        }
        if (ports.containsKey(number)) {
            throw new RefusedFrameException(ChannelRefusal.NUMBER_IN_USE);
        }
        if (ports.size() >= limits.ports()) {
            throw new RefusedFrameException(ChannelRefusal.TOO_MANY_PORTS);
        }
        PortService service = services.get(name);
        if (service == null) {
            throw new RefusedFrameException(ChannelRefusal.NO_SUCH_SERVICE);
        }
        if (ports.values().stream().anyMatch(port -> port.name().equals(name))) {
            throw new RefusedFrameException(ChannelRefusal.ALREADY_OPEN);
        }
        return service;
    }

    private static int lowest(ByteBuffer body) {
        return Short.toUnsignedInt(body.getShort(ChannelLayout.LOWEST_VERSION_OFFSET));
    }

    private static int highest(ByteBuffer body) {
        return Short.toUnsignedInt(body.getShort(ChannelLayout.HIGHEST_VERSION_OFFSET));
    }

    /** Gives whether there was room; a peer that is gone needs no answer. */
    private boolean answer(int kind, int number, int value) {
        ByteBuffer body = ByteBuffer.allocate(ChannelLayout.ANSWER_BYTES).putShort(0, (short) value);
        return pump.send(kind, number, 0, body) != SendOutcome.FULL;
    }
}

package org.userload.channel;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A service, and the handler of its port, that keeps what comes; it can be held up. */
final class Collected implements PortService, PortHandler {
    static final int REFUSED_TYPE = 999;
    static final int FAILING_TYPE = 998;

    record Message(int type, List<Byte> body) {
        static Message of(int type, byte[] body) {
            List<Byte> bytes = new ArrayList<>();
            for (byte b : body) {
                bytes.add(b);
            }
            return new Message(type, bytes);
        }
    }

    private final String name;
    private final int lowest;
    private final int highest;
    private final CountDownLatch gate;
    private final List<Message> messages = new ArrayList<>();
    private final AtomicInteger closed = new AtomicInteger();
    private volatile @Nullable Port port;

    Collected(String name, int lowest, int highest) {
        this(name, lowest, highest, new CountDownLatch(0));
    }

    Collected(String name, int lowest, int highest, CountDownLatch gate) {
        this.name = name;
        this.lowest = lowest;
        this.highest = highest;
        this.gate = gate;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public int lowestVersion() {
        return lowest;
    }

    @Override
    public int highestVersion() {
        return highest;
    }

    @Override
    public PortHandler opened(Port opened) {
        port = opened;
        return this;
    }

    @Override
    public void message(int type, ByteBuffer body) throws RefusedFrameException {
        try {
            gate.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        if (type == REFUSED_TYPE) {
            throw new RefusedFrameException(ChannelRefusal.UNKNOWN_TYPE);
        }
        if (type == FAILING_TYPE) {
            throw new IllegalStateException("a broken handler");
        }
        byte[] bytes = new byte[body.remaining()];
        body.get(bytes);
        synchronized (messages) {
            messages.add(Message.of(type, bytes));
        }
    }

    @Override
    public void closed() {
        closed.incrementAndGet();
    }

    Port port() {
        Port opened = port;
        if (opened == null) {
            throw new AssertionError("port " + name + " is not open");
        }
        return opened;
    }

    List<Message> messages() {
        synchronized (messages) {
            return List.copyOf(messages);
        }
    }

    int count() {
        synchronized (messages) {
            return messages.size();
        }
    }

    int timesClosed() {
        return closed.get();
    }
}

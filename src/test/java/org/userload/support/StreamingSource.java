package org.userload.support;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.userload.memory.RegionTable;
import org.userload.protocol.Feature;
import org.userload.protocol.FrameType;
import org.userload.protocol.Hello;
import org.userload.protocol.Role;
import org.userload.protocol.SessionId;
import org.userload.support.RawPeer.Frame;
import org.userload.transport.Endpoint;

/** A source that says what a test says, and keeps what it hears; requests are kept, too, or answered with the pattern. */
public final class StreamingSource implements AutoCloseable {
    private final LinkedBlockingQueue<Frame> heard = new LinkedBlockingQueue<>();
    private final LinkedBlockingQueue<Frame> requests = new LinkedBlockingQueue<>();
    private final FakeSource source;

    /** @param answers whether requests are answered at once */
    public StreamingSource(RegionTable table, boolean answers, Feature... features) throws Exception {
        source = new FakeSource(table, new FakeSource.Script() {
            @Override
            protected byte[] answer(Hello asked, SessionId session, RegionTable regions) {
                return RawPeer.bytes(Hello.answer(asked.role(), session, Feature.bits(features), regions));
            }

            @Override
            protected void request(FakeSource from, RawPeer peer, Frame request) throws Exception {
                requests.add(request);
                if (answers) {
                    from.answer(peer, request);
                }
            }

            @Override
            protected void other(FakeSource from, Role role, RawPeer peer, Frame frame) throws Exception {
                if (!frame.is(FrameType.ACK)) {
                    heard.add(frame);
                }
                super.other(from, role, peer, frame);
            }
        });
    }

    public FakeSource fake() {
        return source;
    }

    /** A connection once it is there. */
    public RawPeer peer(Role role) throws InterruptedException {
        Threads.await("a connection for " + role, 10, () -> source.has(role));
        return source.peer(role);
    }

    public Endpoint endpoint() {
        return source.endpoint();
    }

    public RawPeer stream() {
        return source.peer(Role.STREAM);
    }

    public RawPeer sync() {
        return source.peer(Role.SYNC);
    }

    /** The next frame on stream or control, other than ACK. */
    public Frame hear(FrameType type) throws InterruptedException {
        Frame frame = heard.poll(20, TimeUnit.SECONDS);
        if (frame == null || !frame.is(type)) {
            throw new AssertionError("no " + type + " frame, but " + frame);
        }
        return frame;
    }

    public Frame nextRequest() throws InterruptedException {
        Frame frame = requests.poll(20, TimeUnit.SECONDS);
        if (frame == null) {
            throw new AssertionError("no request");
        }
        return frame;
    }

    public int requestCount() {
        return source.requestCount();
    }

    public void zero(int region, long first, int count) throws Exception {
        stream().send(FrameType.ZERO, region, first, count);
    }

    public void free(int region, long first, int count, long word) throws Exception {
        stream().send(FrameType.FREE, region, first, count, 0, word(word));
    }

    /** Pages of one byte. */
    public void pages(int region, long first, int count, int fill) throws Exception {
        byte[] body = new byte[count << 12];
        Arrays.fill(body, (byte) fill);
        stream().send(FrameType.PAGES, region, first, count, 0, body);
    }

    /** Pages of the fake source's pattern. */
    public void pages(RegionTable table, int region, long first, int count) throws Exception {
        stream().send(FrameType.PAGES, region, first, count, 0, FakeSource.content(table, region, first, count));
    }

    /** In rounds: everything sent so far is in place. */
    public void settle(int id) throws Exception {
        stream().send(FrameType.MARK, 0, 0, 0, id, new byte[0]);
        if (hear(FrameType.MARKED).id() != id) {
            throw new AssertionError("another MARKED than " + id);
        }
    }

    public static byte[] word(long word) {
        return ByteBuffer.allocate(Long.BYTES).putLong(word).array();
    }

    @Override
    public void close() throws Exception {
        source.close();
    }
}

package org.userload.support;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.userload.memory.RegionTable;
import org.userload.protocol.FrameType;
import org.userload.protocol.Hello;
import org.userload.protocol.Role;
import org.userload.protocol.SessionId;
import org.userload.support.RawPeer.Frame;
import org.userload.transport.Endpoint;

/** A source written by hand on plain sockets. It speaks the protocol as its {@link Script} says, right or wrong. */
public final class FakeSource implements Closeable {
    private final RegionTable table;
    private final Script script;
    private final ServerSocket server;
    private final SessionId session = SessionId.random();
    private final Map<String, AtomicInteger> requests = new ConcurrentHashMap<>();
    private final List<RawPeer> peers = new CopyOnWriteArrayList<>();
    private final Map<Role, RawPeer> byRole = new ConcurrentHashMap<>();

    /** What it does; as it stands, a good source that answers requests and never streams. */
    public static class Script {
        /** The answer to a hello, or null for silence. */
        protected byte @Nullable [] answer(Hello asked, SessionId session, RegionTable table) {
            return RawPeer.bytes(Hello.answer(asked.role(), session, table));
        }

        /** The answer has been sent. */
        protected void opened(FakeSource source, Role role, RawPeer peer) throws Exception {}

        /** A request; called on the connection's thread. */
        protected void request(FakeSource source, RawPeer peer, Frame request) throws Exception {
            source.answer(peer, request);
        }

        /** Any other frame. */
        protected void other(FakeSource source, Role role, RawPeer peer, Frame frame) throws Exception {
            if (frame.is(FrameType.COMPLETE)) {
                peer.close();
            }
        }
    }

    public FakeSource(RegionTable table, Script script) throws IOException {
        this.table = table;
        this.script = script;
        this.server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        daemon("fake-source-accept", this::accept);
    }

    public Endpoint endpoint() {
        return new Endpoint.Tcp("127.0.0.1", server.getLocalPort());
    }

    /** How often a page was asked for. */
    public int requestsFor(int region, long page) {
        AtomicInteger count = requests.get(region + ":" + page);
        return count == null ? 0 : count.get();
    }

    public int requestCount() {
        return requests.values().stream().mapToInt(AtomicInteger::get).sum();
    }

    /** Whether the connection of a role is there. */
    public boolean has(Role role) {
        return byRole.containsKey(role);
    }

    /** The connection of a role; it must be there. */
    public RawPeer peer(Role role) {
        RawPeer peer = byRole.get(role);
        if (peer == null) {
            throw new IllegalStateException("no " + role + " connection");
        }
        return peer;
    }

    /** Answers with the pattern's content; seed 0. */
    public void answer(RawPeer peer, Frame request) throws IOException {
        byte[] body = content(table, request.region(), request.firstPage(), (int) request.count());
        peer.send(FrameType.PAGES, request.region(), request.firstPage(), (int) request.count(), request.id(), body);
    }

    /** What pages hold: no page is zero. */
    public static byte[] content(RegionTable table, int region, long firstPage, int count) {
        int shift = table.pageSize().shift();
        ByteBuffer bytes = ByteBuffer.allocate(count << shift).order(ByteOrder.LITTLE_ENDIAN);
        long address = table.entries().get(region).guestAddress() + (firstPage << shift);
        while (bytes.hasRemaining()) {
            bytes.putLong(wordAt(address));
            address += Long.BYTES;
        }
        return bytes.array();
    }

    /** The word at a guest address. */
    public static long wordAt(long address) {
        return address * 0x9E3779B97F4A7C15L | 1;
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket socket = server.accept();
                RawPeer peer = new RawPeer(socket);
                peers.add(peer);
                daemon("fake-source-connection", () -> serve(peer));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void serve(RawPeer peer) {
        try {
            Hello asked = peer.read().hello();
            byte[] answer = script.answer(asked, session, table);
            if (answer != null) {
                peer.send(answer);
            }
            byRole.put(asked.role(), peer);
            script.opened(this, asked.role(), peer);
            while (true) {
                Frame frame = peer.read();
                if (frame.is(FrameType.REQUEST)) {
                    for (long page = frame.firstPage(); page < frame.firstPage() + frame.count(); page++) {
                        requests.computeIfAbsent(frame.region() + ":" + page, key -> new AtomicInteger())
                                .incrementAndGet();
                    }
                    script.request(this, peer, frame);
                } else {
                    script.other(this, asked.role(), peer, frame);
                }
            }
        } catch (EOFException | SocketException e) {
            // The destination is gone.
        } catch (Exception e) {
            System.out.println("fake source: " + e);
        }
    }

    private static void daemon(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() throws IOException {
        server.close();
        for (RawPeer peer : peers) {
            peer.close();
        }
    }
}

package org.userload.support;

import java.io.Closeable;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.userload.protocol.FrameLayout;
import org.userload.protocol.FrameType;
import org.userload.transport.Endpoint;

/**
 * Stands between a destination and a source and passes every frame on, but one kind from the source, which never arrives:
 * it is on its way when one side dies. The end of one side is the end of the other's connections.
 */
public final class Relay implements Closeable {
    private static final int BODY_LENGTH_OFFSET = 4;

    private final Endpoint.Tcp source;
    private final FrameType held;
    private final CountDownLatch isHeld = new CountDownLatch(1);
    private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final List<Socket> sockets = new CopyOnWriteArrayList<>();

    public Relay(Endpoint source, FrameType held) throws IOException {
        this.source = (Endpoint.Tcp) source;
        this.held = held;
        Threads.start(() -> {
            while (true) {
                connect(server.accept());
            }
        });
    }

    /** Where the destination connects. */
    public Endpoint endpoint() {
        return new Endpoint.Tcp("127.0.0.1", server.getLocalPort());
    }

    /** Waits until the source has sent the frame that is held. */
    public void awaitHeld() throws InterruptedException {
        if (!isHeld.await(60, TimeUnit.SECONDS)) {
            throw new AssertionError("no " + held + " frame");
        }
    }

    private void connect(Socket destination) throws IOException {
        Socket upstream = new Socket(source.host(), source.port());
        sockets.addAll(List.of(destination, upstream));
        Threads.start(() -> pass(upstream, destination, true));
        Threads.start(() -> pass(destination, upstream, false));
    }

    private Void pass(Socket from, Socket to, boolean mayHold) throws IOException {
        try (from;
                to) {
            DataInputStream in = new DataInputStream(from.getInputStream());
            OutputStream out = to.getOutputStream();
            byte[] header = new byte[FrameLayout.HEADER_BYTES];
            while (true) {
                in.readFully(header);
                byte[] body = in.readNBytes(ByteBuffer.wrap(header).getInt(BODY_LENGTH_OFFSET));
                if (mayHold && header[0] == held.code()) {
                    isHeld.countDown();
                    continue;
                }
                out.write(header);
                out.write(body);
                out.flush();
            }
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        for (Socket socket : sockets) {
            socket.close();
        }
    }
}

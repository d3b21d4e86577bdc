package org.userload.support;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.userload.protocol.FrameLayout;
import org.userload.protocol.FrameType;
import org.userload.protocol.Hello;
import org.userload.protocol.Role;
import org.userload.protocol.SessionId;
import org.userload.transport.Endpoint;

/** One end of a connection in the hands of a test: plain blocking sockets, any bytes. */
public final class RawPeer implements Closeable {
    private static final int READ_TIMEOUT_MILLIS = 20_000;

    private final Socket socket;
    private final DataInputStream in;
    private final OutputStream out;

    /** A frame as it came. */
    public record Frame(int type, int region, long firstPage, long count, int id, ByteBuffer body) {
        public boolean is(FrameType wanted) {
            return type == wanted.code();
        }

        /** Text of an ERROR frame. */
        public String errorText() {
            return StandardCharsets.UTF_8.decode(body.duplicate().position(2)).toString();
        }

        public int errorCode() {
            return body.getShort(0);
        }

        public Hello hello() {
            return Hello.decode(Unpooled.wrappedBuffer(body.duplicate()));
        }
    }

    public RawPeer(Socket socket) throws IOException {
        this.socket = socket;
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(READ_TIMEOUT_MILLIS);
        this.in = new DataInputStream(new BufferedInputStream(socket.getInputStream(), 1 << 16));
        this.out = socket.getOutputStream();
    }

    public static RawPeer connect(Endpoint endpoint) throws IOException {
        Endpoint.Tcp tcp = (Endpoint.Tcp) endpoint;
        return new RawPeer(new Socket(tcp.host(), tcp.port()));
    }

    /** Connects, says hello and reads the answer, which must be a hello. */
    public static RawPeer greet(Endpoint endpoint, Role role, SessionId session) throws IOException {
        RawPeer peer = connect(endpoint);
        peer.send(Hello.ask(role, session));
        return peer;
    }

    public Socket socket() {
        return socket;
    }

    public synchronized void send(byte[] bytes) throws IOException {
        out.write(bytes);
        out.flush();
    }

    public void send(Hello hello) throws IOException {
        send(bytes(hello));
    }

    public static byte[] bytes(Hello hello) {
        ByteBuf buffer = Unpooled.buffer();
        hello.encode(buffer);
        return ByteBufUtil.getBytes(buffer);
    }

    public void send(FrameType type, int region, long firstPage, int count, int id, byte[] body) throws IOException {
        send(frame(type.code(), 0, region, body.length, firstPage, count, id, body));
    }

    public void send(FrameType type, int region, long firstPage, int count) throws IOException {
        send(type, region, firstPage, count, 0, new byte[0]);
    }

    /** A frame with any header. */
    public static byte[] frame(
            int type, int flags, int region, int bodyLength, long firstPage, int count, int id, byte[] body) {
        return ByteBuffer.allocate(FrameLayout.HEADER_BYTES + body.length)
                .put((byte) type)
                .put((byte) flags)
                .putShort((short) region)
                .putInt(bodyLength)
                .putLong(firstPage)
                .putInt(count)
                .putInt(id)
                .put(body)
                .array();
    }

    /** The next frame; EOFException when the other side has closed. */
    public Frame read() throws IOException {
        int type = in.readUnsignedByte();
        in.readUnsignedByte();
        int region = in.readUnsignedShort();
        int length = in.readInt();
        long firstPage = in.readLong();
        long count = in.readInt() & 0xFFFFFFFFL;
        int id = in.readInt();
        byte[] body = in.readNBytes(length);
        if (body.length < length) {
            throw new EOFException();
        }
        return new Frame(type, region, firstPage, count, id, ByteBuffer.wrap(body));
    }

    /** Reads until the other side closes; gives the first ERROR frame on the way, or null. */
    public @Nullable Frame awaitEnd() throws IOException {
        Frame error = null;
        try {
            while (true) {
                Frame frame = read();
                if (frame.is(FrameType.ERROR) && error == null) {
                    error = frame;
                }
            }
        } catch (java.net.SocketTimeoutException e) {
            throw new AssertionError("the other side has not closed the connection", e);
        } catch (EOFException | java.net.SocketException e) {
            return error;
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}

package org.userload.support;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.userload.channel.BytePipe;
import org.userload.channel.ChannelLayout;

/** A guest that puts any bytes on its channel. For one thread. */
public final class RawGuest implements AutoCloseable {
    private static final long DEADLINE_SECONDS = 20;

    /**
     * What the host sent.
     *
     * @param body a copy, from position 0 to its limit
     */
    public record Frame(int kind, int port, int type, ByteBuffer body) {}

    private final BytePipe pipe;
    private final ByteBuffer in = ByteBuffer.allocate(2 * (ChannelLayout.HEADER_BYTES + ChannelLayout.MAX_BODY_BYTES));

    public RawGuest(BytePipe pipe) {
        this.pipe = pipe;
        in.flip();
    }

    public static byte[] frame(int kind, int port, int type, byte[] body) {
        return header(kind, port, type, body.length, body.length).put(body).array();
    }

    /** A header that claims a length, with room for a body of another. */
    public static ByteBuffer header(int kind, int port, int type, int claimed, int room) {
        return ByteBuffer.allocate(ChannelLayout.HEADER_BYTES + room)
                .putShort((short) ChannelLayout.MAGIC)
                .put((byte) kind)
                .put((byte) 0)
                .putShort((short) port)
                .putShort((short) type)
                .putInt(claimed)
                .putInt(0);
    }

    public static byte[] openFrame(int port, int lowest, int highest, String name) {
        byte[] chars = name.getBytes(StandardCharsets.UTF_8);
        ByteBuffer body = ByteBuffer.allocate(ChannelLayout.NAME_OFFSET + chars.length)
                .putShort((short) lowest)
                .putShort((short) highest)
                .put(chars);
        return frame(ChannelLayout.OPEN, port, 0, body.array());
    }

    /** Sends all bytes; throws when the host is gone. */
    public void send(byte... bytes) throws IOException {
        ByteBuffer left = ByteBuffer.wrap(bytes);
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_SECONDS);
        while (left.hasRemaining()) {
            if (pipe.write(left) == 0) {
                pipe.await(false, true, TimeUnit.MILLISECONDS.toNanos(100));
            }
            if (System.nanoTime() > end) {
                throw new AssertionError("the host has not read for " + DEADLINE_SECONDS + " s");
            }
        }
    }

    public void sendFrame(int kind, int port, int type, byte... body) throws IOException {
        send(frame(kind, port, type, body));
    }

    public void sendMessage(int port, int type, byte... body) throws IOException {
        sendFrame(ChannelLayout.MESSAGE, port, type, body);
    }

    /** What the pipe takes without waiting. */
    public int tryToSend(ByteBuffer bytes) throws IOException {
        return pipe.write(bytes);
    }

    /** The next frame of the host. */
    public Frame next() throws IOException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_SECONDS);
        while (true) {
            if (in.remaining() >= ChannelLayout.HEADER_BYTES) {
                int at = in.position();
                int length = in.getInt(at + ChannelLayout.BODY_LENGTH_OFFSET);
                if (in.remaining() - ChannelLayout.HEADER_BYTES >= length) {
                    byte[] body = new byte[length];
                    in.position(at + ChannelLayout.HEADER_BYTES).get(body);
                    return new Frame(
                            in.get(at + ChannelLayout.KIND_OFFSET),
                            in.getShort(at + ChannelLayout.PORT_OFFSET),
                            in.getShort(at + ChannelLayout.TYPE_OFFSET),
                            ByteBuffer.wrap(body));
                }
            }
            in.compact();
            int got = pipe.read(in);
            in.flip();
            if (got == BytePipe.ENDED) {
                throw new IOException("the host has closed the channel");
            }
            if (got == 0) {
                pipe.await(true, false, TimeUnit.MILLISECONDS.toNanos(100));
            }
            if (System.nanoTime() > end) {
                throw new AssertionError("the host has not sent anything for " + DEADLINE_SECONDS + " s");
            }
        }
    }

    /** Opens a port and waits for the answer, which must be OPENED. */
    public void open(int port, int version, String name) throws IOException {
        send(openFrame(port, version, version, name));
        Frame answer = next();
        if (answer.kind() != ChannelLayout.OPENED || answer.port() != port) {
            throw new AssertionError("the host answers OPEN with " + answer);
        }
    }

    @Override
    public void close() {
        pipe.close();
    }
}

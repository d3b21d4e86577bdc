package org.userload.protocol;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;

/** Writes frames. */
public final class Frames {
    /** Longest text for people, in bytes; what is longer is cut. */
    private static final int MAX_TEXT_BYTES = 4096;

    private Frames() {}

    /** Writes a header at the buffer's writer index. */
    public static void writeHeader(
            ByteBuf out, FrameType type, int region, int bodyLength, long firstPage, int count, int id) {
        out.ensureWritable(FrameLayout.HEADER_BYTES);
        int at = out.writerIndex();
        out.setByte(at + FrameLayout.TYPE_OFFSET, type.code());
        out.setByte(at + FrameLayout.FLAGS_OFFSET, 0);
        out.setShort(at + FrameLayout.REGION_OFFSET, region);
        out.setInt(at + FrameLayout.BODY_LENGTH_OFFSET, bodyLength);
        out.setLong(at + FrameLayout.FIRST_PAGE_OFFSET, firstPage);
        out.setInt(at + FrameLayout.COUNT_OFFSET, count);
        out.setInt(at + FrameLayout.ID_OFFSET, id);
        out.writerIndex(at + FrameLayout.HEADER_BYTES);
    }

    /** Writes a frame that is only a type and a number of microseconds. */
    public static void writeSignal(ByteBuf out, FrameType type, long micros) {
        writeHeader(out, type, 0, 0, micros, 0, 0);
    }

    /** Writes a frame with a body. */
    public static void writeBody(ByteBuf out, FrameType type, long micros, byte[] body) {
        writeHeader(out, type, 0, body.length, micros, 0, 0);
        out.writeBytes(body);
    }

    /** Writes an ERROR frame; long texts are cut. */
    public static void writeError(ByteBuf out, ErrorCode code, String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        int length = Math.min(utf8.length, MAX_TEXT_BYTES);
        writeHeader(out, FrameType.ERROR, 0, Short.BYTES + length, 0, 0, 0);
        out.writeShort(code.code());
        out.writeBytes(utf8, 0, length);
    }

    /** The text of an ERROR frame's body, with anything unprintable left out. */
    public static String errorText(ByteBuf body) {
        if (body.readableBytes() < Short.BYTES) {
            throw new ProtocolException("ERROR frame without a code");
        }
        String code = ErrorCode.describe(body.readUnsignedShort());
        return code + ": " + text(body);
    }

    /** A body that is text for people, with anything unprintable left out. */
    public static String text(ByteBuf body) {
        int length = Math.min(body.readableBytes(), MAX_TEXT_BYTES);
        return body.toString(body.readerIndex(), length, StandardCharsets.UTF_8).replaceAll("\\p{Cntrl}", " ");
    }
}

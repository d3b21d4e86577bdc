package org.userload.trace;

import static org.userload.trace.UltLayout.*;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/** Writes the binary format laid out in {@link UltLayout}. */
final class UltWriter extends TraceWriter {
    private static final int BUFFER_BYTES = 1 << 16;

    private final CRC32C crc = new CRC32C();
    private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private long fetchEnd;
    private long dataEnd;

    UltWriter(OutputStream out) {
        super(out);
        buffer.putLong(MAGIC).putInt(VERSION).putInt(0);
    }

    @Override
    void append(Operation operation, long address, int sizeBytes) throws IOException {
        if (buffer.remaining() < MAX_ACCESS_BYTES) {
            flushBuffer();
        }
        boolean fetch = operation == Operation.FETCH;
        long delta = address - (fetch ? fetchEnd : dataEnd);
        int sizeCode = sizeCode(sizeBytes);
        int tag = operation.code() | (sizeCode << TAG_SIZE_SHIFT);
        if (delta != 0 || tag == TAG_END) {
            tag |= TAG_DELTA;
        }
        buffer.put((byte) tag);
        if (sizeCode == SIZE_CODE_EXPLICIT) {
            putVarint(sizeBytes);
        }
        if ((tag & TAG_DELTA) != 0) {
            putVarint(zigZag(delta));
        }
        if (fetch) {
            fetchEnd = address + sizeBytes;
        } else {
            dataEnd = address + sizeBytes;
        }
    }

    private void putVarint(long number) {
        long rest = number;
        while ((rest & ~0x7fL) != 0) {
            buffer.put((byte) (rest | 0x80));
            rest >>>= 7;
        }
        buffer.put((byte) rest);
    }

    private void flushBuffer() throws IOException {
        crc.update(buffer.array(), 0, buffer.position());
        out.write(buffer.array(), 0, buffer.position());
        buffer.clear();
    }

    @Override
    void end() throws IOException {
        flushBuffer();
        buffer.put((byte) TAG_END).putLong(accessCount());
        flushBuffer();
        buffer.putInt((int) crc.getValue());
        out.write(buffer.array(), 0, CHECKSUM_BYTES);
        buffer.clear();
    }
}

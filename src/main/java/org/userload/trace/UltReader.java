package org.userload.trace;

import static org.userload.trace.UltLayout.*;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/** Reads the binary format laid out in {@link UltLayout}. */
final class UltReader extends TraceReader {
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private final ByteInput in;
    private final CRC32C crc = new CRC32C();
    private int checksummed;
    private boolean opened;
    private boolean ended;
    private long fetchEnd;
    private long dataEnd;

    UltReader(ByteInput in) {
        this.in = in;
    }

    @Override
    public boolean next() throws IOException {
        if (ended) {
            return false;
        }
        if (!opened) {
            readHeader();
            opened = true;
        }
        if (in.available() < MAX_ACCESS_BYTES) {
            refill(MAX_ACCESS_BYTES);
        }
        long accessOffset = in.offset();
        int tag = readByte();
        if (tag == TAG_END) {
            readTrailer();
            ended = true;
            return false;
        }
        Operation operation = Operation.ofCode(tag & TAG_OPERATION_MASK);
        int sizeBytes = readSize((tag >>> TAG_SIZE_SHIFT) & TAG_SIZE_MASK, accessOffset);
        long delta = (tag & TAG_DELTA) == 0 ? 0 : unZigZag(readVarint());
        boolean fetch = operation == Operation.FETCH;
        long address = (fetch ? fetchEnd : dataEnd) + delta;
        if (!Access.fits(address, sizeBytes)) {
            throw error(accessOffset, sizeBytes + " bytes at 0x" + Long.toHexString(address), Access.END_EXPECTED);
        }
        if (fetch) {
            fetchEnd = address + sizeBytes;
        } else {
            dataEnd = address + sizeBytes;
        }
        found(operation, address, sizeBytes);
        return true;
    }

    private void readHeader() throws IOException {
        refill(HEADER_BYTES);
        if (in.available() < HEADER_BYTES) {
            throw error(in.offset() + in.available(), "the end of the file", "a header of " + HEADER_BYTES + " bytes");
        }
        int start = in.start;
        if ((long) LONG.get(in.bytes, start + MAGIC_OFFSET) != MAGIC) {
            throw error(
                    MAGIC_OFFSET,
                    TraceFormatException.quote(in.bytes, start, start + Long.BYTES),
                    "the magic \"userload\" of a .ult trace");
        }
        int version = (int) INT.get(in.bytes, start + VERSION_OFFSET);
        if (version != VERSION) {
            throw error(VERSION_OFFSET, ".ult version " + Integer.toUnsignedString(version), "version " + VERSION);
        }
        int reserved = (int) INT.get(in.bytes, start + RESERVED_OFFSET);
        if (reserved != 0) {
            throw error(RESERVED_OFFSET, "0x" + Integer.toHexString(reserved), "0 in the reserved field");
        }
        in.start += HEADER_BYTES;
    }

    private void readTrailer() throws IOException {
        refill(COUNT_BYTES + CHECKSUM_BYTES);
        if (in.available() < COUNT_BYTES + CHECKSUM_BYTES) {
            throw error(in.offset() + in.available(), "the end of the file", "the access count and the checksum");
        }
        long countOffset = in.offset();
        long count = (long) LONG.get(in.bytes, in.start);
        in.start += COUNT_BYTES;
        checksumConsumed();
        int stored = (int) INT.get(in.bytes, in.start);
        if (stored != (int) crc.getValue()) {
            throw error(
                    in.offset(),
                    "checksum 0x" + Integer.toHexString(stored),
                    "0x" + Long.toHexString(crc.getValue()) + " (the file is damaged)");
        }
        in.start += CHECKSUM_BYTES;
        checksummed = in.start;
        if (count != accessCount()) {
            throw error(
                    countOffset,
                    "access count " + Long.toUnsignedString(count),
                    "the " + accessCount() + " in the file");
        }
        if (count == 0) {
            throw noAccess(in.file(), "at least one access");
        }
        if (in.available() > 0 || in.fill()) {
            throw error(in.offset(), "more bytes after the checksum", "the end of the file");
        }
    }

    private int readSize(int code, long accessOffset) throws IOException {
        if (code != SIZE_CODE_EXPLICIT) {
            return code == SIZE_CODE_32 ? 32 : code;
        }
        long size = readVarint();
        if (!Access.isSize(size)) {
            throw error(accessOffset, "size " + Long.toUnsignedString(size), Access.SIZE_EXPECTED);
        }
        return (int) size;
    }

    private long readVarint() throws IOException {
        long offset = in.offset();
        long value = 0;
        for (int shift = 0; shift < 7 * MAX_VARINT_BYTES; shift += 7) {
            int b = readByte();
            long bits = b & 0x7f;
            if (shift == 63 && bits > 1) {
                break;
            }
            value |= bits << shift;
            if (b < 0x80) {
                return value;
            }
        }
        throw error(offset, "a number above 2^64 - 1", "a varint of at most 64 bits");
    }

    private int readByte() throws TraceFormatException {
        if (in.start == in.end) {
            throw error(in.offset(), "the end of the file", "more accesses or the end mark (the file is cut off)");
        }
        return in.bytes[in.start++] & 0xff;
    }

    private void refill(int count) throws IOException {
        checksumConsumed();
        in.require(count);
        checksummed = in.start;
    }

    private void checksumConsumed() {
        crc.update(in.bytes, checksummed, in.start - checksummed);
        checksummed = in.start;
    }

    private TraceFormatException error(long offset, String found, String expected) {
        return new TraceFormatException(in.file(), "offset " + offset, found, expected);
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}

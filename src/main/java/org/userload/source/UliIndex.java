package org.userload.source;

import static org.userload.source.UliFormat.*;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * Where each block of a {@code .uli} image is, what its checksum is and which of its pages are zero. Immutable, 14 bytes
 * a block (less than one byte for each 4 KiB page).
 *
 * <p>Blocks lie in order and without gaps, so a block's length is the distance to the next one, and an absent block is
 * one of length 0.
 */
final class UliIndex {
    private static final int BYTES_PER_BLOCK = Long.BYTES + Integer.BYTES + Character.BYTES;
    private static final int READ_BYTES = 4096 * INDEX_ENTRY_BYTES;
    private static final long FILE_OFFSET_MASK = (1L << INDEX_FILE_OFFSET_BITS) - 1;

    private final long[] offsets;
    private final int[] crcs;
    private final char[] zeroPages;

    private UliIndex(int blockCount) {
        this.offsets = new long[blockCount + 1];
        this.crcs = new int[blockCount];
        this.zeroPages = new char[blockCount];
    }

    /** Whether the block is all zero and not in the file. */
    boolean isAbsent(int block) {
        return offsets[block] == offsets[block + 1];
    }

    /** Where the block's frame begins in the file. */
    long offset(int block) {
        return offsets[block];
    }

    /** Length of the block's frame, 0 if the block is absent, at most {@link UliFormat#MAX_COMPRESSED_BYTES}. */
    int compressedBytes(int block) {
        return (int) (offsets[block + 1] - offsets[block]);
    }

    /** CRC-32C of the plain block; 0 if it is absent. */
    int crc(int block) {
        return crcs[block];
    }

    /** One bit for each page of a present block that is all zero, lowest bit first; 0 for an absent block. */
    int zeroPages(int block) {
        return zeroPages[block];
    }

    /** An index entry as it is in the file. */
    static void encodeEntry(ByteBuffer dst, long offset, int zeroPages, int compressedBytes, int crc) {
        dst.putLong(offset | (long) zeroPages << INDEX_FILE_OFFSET_BITS);
        dst.putInt(compressedBytes);
        dst.putInt(crc);
    }

    /** A trailer as it is in the file, ready to be written. */
    static ByteBuffer encodeTrailer(long indexOffset, long indexBytes, int indexCrc) {
        ByteBuffer bytes = ByteBuffer.allocate(TRAILER_BYTES).order(BYTE_ORDER);
        bytes.putLong(TRAILER_INDEX_OFFSET_OFFSET, indexOffset);
        bytes.putLong(TRAILER_INDEX_BYTES_OFFSET, indexBytes);
        bytes.putInt(TRAILER_INDEX_CRC_OFFSET, indexCrc);
        bytes.putInt(TRAILER_CRC_OFFSET, Checksums.crc(bytes, 0, TRAILER_CRC_OFFSET));
        bytes.putLong(TRAILER_END_MAGIC_OFFSET, END_MAGIC);
        return bytes;
    }

    /**
     * Reads and checks trailer and index.
     *
     * @throws PageSourceException if the file is cut short, or trailer or index are damaged or do not fit the header
     * @throws IOException if the file cannot be read
     */
    static UliIndex read(ImageFile file, UliHeader header) throws IOException {
        ByteBuffer trailer = ByteBuffer.allocate(TRAILER_BYTES).order(BYTE_ORDER);
        long trailerOffset = file.sizeBytes() - TRAILER_BYTES;
        file.read(trailer, trailerOffset);
        if (trailer.getLong(TRAILER_END_MAGIC_OFFSET) != END_MAGIC) {
            throw UliHeader.damaged(file, "it does not end as a .uli image does, it is probably cut short");
        }
        if (Checksums.crc(trailer, 0, TRAILER_CRC_OFFSET) != trailer.getInt(TRAILER_CRC_OFFSET)) {
            throw UliHeader.damaged(file, "the checksum of its trailer does not match");
        }
        long indexBytes = trailer.getLong(TRAILER_INDEX_BYTES_OFFSET);
        long indexOffset = trailer.getLong(TRAILER_INDEX_OFFSET_OFFSET);
        boolean fits = indexBytes == (long) header.blockCount() * INDEX_ENTRY_BYTES
                && indexBytes <= trailerOffset - header.encodedBytes()
                && indexOffset == trailerOffset - indexBytes;
        if (!fits) {
            throw UliHeader.damaged(file, "its index does not fit between its header and its trailer");
        }
        requireHeap(file, header.blockCount());
        UliIndex index = new UliIndex(header.blockCount());
        index.readEntries(file, header, indexOffset, trailer.getInt(TRAILER_INDEX_CRC_OFFSET));
        return index;
    }

    private static void requireHeap(ImageFile file, int blockCount) {
        long neededBytes = (long) blockCount * BYTES_PER_BLOCK;
        long heapBytes = Runtime.getRuntime().maxMemory();
        if (neededBytes > heapBytes / 2) {
            throw new PageSourceException(file.description() + ": its index of " + blockCount + " blocks takes "
                    + (neededBytes >> 20) + " MiB, too much for a heap of " + (heapBytes >> 20)
                    + " MiB; start java with a larger -Xmx");
        }
    }

    private void readEntries(ImageFile file, UliHeader header, long indexOffset, int expectedCrc) throws IOException {
        long indexEnd = indexOffset + (long) crcs.length * INDEX_ENTRY_BYTES;
        ByteBuffer bytes = ByteBuffer.allocate(READ_BYTES).order(BYTE_ORDER);
        CRC32C crc = new CRC32C();
        long blockEnd = header.encodedBytes();
        int block = 0;
        for (long at = indexOffset; at < indexEnd; at += READ_BYTES) {
            bytes.clear().limit((int) Math.min(READ_BYTES, indexEnd - at));
            file.read(bytes, at);
            crc.update(bytes.flip());
            bytes.rewind();
            while (bytes.hasRemaining()) {
                blockEnd = addEntry(file, header, block++, bytes, blockEnd, indexOffset);
            }
        }
        offsets[crcs.length] = blockEnd;
        if ((int) crc.getValue() != expectedCrc) {
            throw UliHeader.damaged(file, "the checksum of its index does not match");
        }
        if (blockEnd != indexOffset) {
            throw UliHeader.damaged(file, "there are bytes between its last block and its index");
        }
    }

    /** Takes over the next entry and returns where the block's frame ends. */
    private long addEntry(
            ImageFile file, UliHeader header, int block, ByteBuffer bytes, long expectedOffset, long indexOffset) {
        long packed = bytes.getLong();
        long compressedBytes = Integer.toUnsignedLong(bytes.getInt());
        int crc = bytes.getInt();
        offsets[block] = expectedOffset;
        if (packed == 0 && compressedBytes == 0 && crc == 0) {
            return expectedOffset;
        }
        int pages = blockBytes(header.imageBytes(), block)
                >>> header.regions().pageSize().shift();
        int mask = (int) (packed >>> INDEX_FILE_OFFSET_BITS);
        boolean sane = (packed & FILE_OFFSET_MASK) == expectedOffset
                && compressedBytes >= 1
                && compressedBytes <= Math.min(MAX_COMPRESSED_BYTES, indexOffset - expectedOffset)
                && mask < (1 << pages) - 1;
        if (!sane) {
            throw UliHeader.damaged(file, "its index entry for block " + block + " makes no sense");
        }
        crcs[block] = crc;
        zeroPages[block] = (char) mask;
        return expectedOffset + compressedBytes;
    }
}

package org.userload.source;

import static org.userload.source.UliFormat.*;

import com.github.luben.zstd.ZstdCompressCtx;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * Encodes one image into an empty file: blocks, index, trailer, and the header last, so that a file whose writing was
 * cut off does not begin as an image does. Used once, by one thread; the channel stays its owner's.
 */
final class UliEncoder implements AutoCloseable {
    private static final int OUTPUT_BYTES = 1 << 20;
    private static final int FIRST_INDEX_BYTES = 1 << 16;
    /** Index chunks double up to this. */
    private static final int MAX_INDEX_CHUNK_BYTES = 1 << 26;

    private final FileChannel channel;
    private final ImageInput input;
    private final int pageBytes;
    private final ZstdCompressCtx zstd = new ZstdCompressCtx();
    private final ByteBuffer plain = ByteBuffer.allocateDirect(BLOCK_BYTES);
    private final ByteBuffer output = ByteBuffer.allocateDirect(OUTPUT_BYTES).order(BYTE_ORDER);
    private final List<ByteBuffer> index = new ArrayList<>();
    /** Where the next byte goes in the file, counting those still in {@link #output}. */
    private long fileOffset;

    private int blocks;
    private int zeroBlocks;

    UliEncoder(FileChannel channel, ImageInput input, int compressionLevel) {
        this.channel = channel;
        this.input = input;
        this.pageBytes = input.pageBytes();
        zstd.setLevel(compressionLevel);
    }

    UliSummary encode() throws IOException {
        fileOffset = UliHeader.encodedBytes(input.regionCount());
        channel.position(fileOffset);
        int length;
        do {
            input.fill(plain.clear());
            length = plain.position();
            if (length > 0) {
                addBlock(length);
            }
        } while (length == BLOCK_BYTES);
        UliHeader header = UliHeader.of(input.regions());
        writeIndexAndTrailer();
        channel.position(0);
        writeAll(header.encode());
        return new UliSummary(header.imageBytes(), fileOffset, blocks, zeroBlocks);
    }

    private void addBlock(int length) throws IOException {
        if (blocks == MAX_BLOCKS) {
            throw new IOException("the image is larger than " + (MAX_IMAGE_BYTES >> 40) + " TiB");
        }
        blocks++;
        int pages = length / pageBytes;
        int zeroPages = ZeroBytes.zeroPages(plain, length, pageBytes);
        if (zeroPages == (1 << pages) - 1) {
            zeroBlocks++;
            UliIndex.encodeEntry(indexRoom(), 0, 0, 0, 0);
            return;
        }
        int crc = Checksums.crc(plain, 0, length);
        if (output.remaining() < MAX_COMPRESSED_BYTES) {
            flush();
        }
        int compressedBytes =
                zstd.compressDirectByteBuffer(output, output.position(), output.remaining(), plain, 0, length);
        output.position(output.position() + compressedBytes);
        UliIndex.encodeEntry(indexRoom(), fileOffset, zeroPages, compressedBytes, crc);
        fileOffset += compressedBytes;
    }

    private ByteBuffer indexRoom() {
        if (index.isEmpty() || !index.get(index.size() - 1).hasRemaining()) {
            int bytes = index.isEmpty()
                    ? FIRST_INDEX_BYTES
                    : Math.min(
                            MAX_INDEX_CHUNK_BYTES,
                            2 * index.get(index.size() - 1).capacity());
            index.add(ByteBuffer.allocate(bytes).order(BYTE_ORDER));
        }
        return index.get(index.size() - 1);
    }

    private void writeIndexAndTrailer() throws IOException {
        flush();
        long indexOffset = fileOffset;
        CRC32C crc = new CRC32C();
        for (ByteBuffer chunk : index) {
            crc.update(chunk.flip());
            writeAll(chunk.rewind());
            fileOffset += chunk.limit();
        }
        ByteBuffer trailer = UliIndex.encodeTrailer(indexOffset, fileOffset - indexOffset, (int) crc.getValue());
        writeAll(trailer);
        fileOffset += TRAILER_BYTES;
    }

    private void flush() throws IOException {
        writeAll(output.flip());
        output.clear();
    }

    private void writeAll(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    @Override
    public void close() {
        zstd.close();
    }
}

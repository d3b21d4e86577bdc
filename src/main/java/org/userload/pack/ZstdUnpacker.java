package org.userload.pack;

import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import java.nio.ByteBuffer;

/** Zstandard. */
final class ZstdUnpacker implements PageUnpacker {
    private final ZstdDecompressCtx context = new ZstdDecompressCtx();

    @Override
    public void unpack(
            ByteBuffer packed, int packedAt, int packedBytes, ByteBuffer plain, int plainAt, int plainBytes) {
        int unpacked;
        try {
            unpacked = context.decompressDirectByteBuffer(plain, plainAt, plainBytes, packed, packedAt, packedBytes);
        } catch (ZstdException e) {
            throw new CorruptPageException("it does not decompress: " + e.getMessage());
        }
        if (unpacked != plainBytes) {
            throw new CorruptPageException("it has " + unpacked + " bytes in it instead of " + plainBytes);
        }
    }

    @Override
    public void close() {
        context.close();
    }
}

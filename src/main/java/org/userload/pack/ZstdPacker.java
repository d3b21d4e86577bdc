package org.userload.pack;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import java.nio.ByteBuffer;

/** Zstandard at its fastest regular level. */
final class ZstdPacker implements PagePacker {
    private static final int LEVEL = 1;

    private final ZstdCompressCtx context = new ZstdCompressCtx().setLevel(LEVEL);

    @Override
    public int bound(int plainBytes) {
        return Math.toIntExact(Zstd.compressBound(plainBytes));
    }

    @Override
    public int pack(ByteBuffer plain, int plainAt, int plainBytes, ByteBuffer packed, int packedAt) {
        return context.compressDirectByteBuffer(packed, packedAt, bound(plainBytes), plain, plainAt, plainBytes);
    }

    @Override
    public void close() {
        context.close();
    }
}

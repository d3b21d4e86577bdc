package org.userload.pack;

import java.nio.ByteBuffer;
import net.jpountz.lz4.LZ4Compressor;
import net.jpountz.lz4.LZ4Factory;

/** LZ4 blocks, fast mode. The library picks native code where it loads, Java elsewhere. */
final class Lz4Packer implements PagePacker {
    private final LZ4Compressor compressor = LZ4Factory.fastestInstance().fastCompressor();

    @Override
    public int bound(int plainBytes) {
        return compressor.maxCompressedLength(plainBytes);
    }

    @Override
    public int pack(ByteBuffer plain, int plainAt, int plainBytes, ByteBuffer packed, int packedAt) {
        return compressor.compress(plain, plainAt, plainBytes, packed, packedAt, bound(plainBytes));
    }

    @Override
    public void close() {
        // Has no state of its own.
    }
}

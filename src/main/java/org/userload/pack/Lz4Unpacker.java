package org.userload.pack;

import java.nio.ByteBuffer;
import net.jpountz.lz4.LZ4Exception;
import net.jpountz.lz4.LZ4Factory;
import net.jpountz.lz4.LZ4SafeDecompressor;

/** LZ4 blocks, by the decompressor that checks every length. */
final class Lz4Unpacker implements PageUnpacker {
    private final LZ4SafeDecompressor decompressor =
            LZ4Factory.fastestInstance().safeDecompressor();

    @Override
    public void unpack(
            ByteBuffer packed, int packedAt, int packedBytes, ByteBuffer plain, int plainAt, int plainBytes) {
        int unpacked;
        try {
            unpacked = decompressor.decompress(packed, packedAt, packedBytes, plain, plainAt, plainBytes);
        } catch (LZ4Exception e) {
            throw new CorruptPageException("it does not decompress: " + e.getMessage());
        }
        if (unpacked != plainBytes) {
            throw new CorruptPageException("it has " + unpacked + " bytes in it instead of " + plainBytes);
        }
    }

    @Override
    public void close() {
        // Has no state of its own.
    }
}

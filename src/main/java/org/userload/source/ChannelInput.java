package org.userload.source;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.util.List;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;

/** A raw image that arrives through a channel: one region from guest address 0. Does not close the channel. */
final class ChannelInput implements ImageInput {
    private final ReadableByteChannel channel;
    private final PageSize pageSize;
    private long bytesRead;

    ChannelInput(ReadableByteChannel channel, PageSize pageSize) {
        this.channel = channel;
        this.pageSize = pageSize;
    }

    @Override
    public int regionCount() {
        return 1;
    }

    @Override
    public int pageBytes() {
        return pageSize.bytes();
    }

    @Override
    public void fill(ByteBuffer block) throws IOException {
        while (block.hasRemaining()) {
            int n = channel.read(block);
            if (n < 0) {
                requireWholePages();
                return;
            }
            if (n == 0) {
                throw new IOException("the input channel is non-blocking and has nothing to read");
            }
            bytesRead += n;
        }
    }

    private void requireWholePages() {
        if (bytesRead == 0) {
            throw new PageSourceException("the input is empty; an image has at least one page");
        }
        if (bytesRead % pageSize.bytes() != 0) {
            throw new PageSourceException("the input ends after " + bytesRead
                    + " bytes, which is not a multiple of the page size, " + pageSize.bytes()
                    + ": it is cut short or not a raw memory image");
        }
    }

    @Override
    public RegionTable regions() {
        return new RegionTable(pageSize, List.of(new RegionTable.Entry(0, bytesRead / pageSize.bytes())));
    }
}

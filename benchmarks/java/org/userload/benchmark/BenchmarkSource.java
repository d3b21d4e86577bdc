package org.userload.benchmark;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;
import org.userload.source.LivePageSource;
import org.userload.source.PageRun;
import org.userload.source.PageServer;
import org.userload.source.PageSource;
import org.userload.source.ServerConfig;
import org.userload.source.ServerListener;
import org.userload.transport.Endpoint;
import org.userload.transport.Link;
import org.userload.transport.Placement;
import org.userload.transport.WaitPolicy;

/**
 * The source process of a benchmark: serves memory, prints the address, and ends when its
 * standard input does, so that it never outlives its parent.
 */
final class BenchmarkSource {
    /** What the memory holds. */
    enum Content {
        /** Present memory that holds the pattern. */
        PATTERN,
        /** Zero pages without any memory behind them. */
        ZERO
    }

    private BenchmarkSource() {}

    /**
     * Arguments: content, number of pages; then, each if it differs, {@code listen=ADDR} (a free loopback port),
     * {@code link=LINK} (none), {@code cap=BYTES} per second (none) and {@code wait=POLICY} of its
     * request loop (BLOCK), {@code page=BYTES} (4096).
     */
    public static void main(String[] arguments) throws IOException {
        Content content = Content.valueOf(arguments[0]);
        List<String> more = Arrays.asList(arguments).subList(2, arguments.length);
        RegionTable table = table(Long.parseLong(arguments[1]), more);
        ServerConfig config = config(more);
        if (content == Content.ZERO) {
            serve(config, new ZeroPages(table));
            return;
        }
        try (GuestMemory memory = GuestMemory.present(table)) {
            Pattern.fill(memory, Pattern.SEED);
            serve(config, new LivePageSource(memory, "benchmark"));
        }
    }

    private static RegionTable table(long pages, List<String> arguments) {
        int pageBytes = PageSize.DEFAULT.bytes();
        for (String argument : arguments) {
            if (argument.startsWith("page=")) {
                pageBytes = Integer.parseInt(argument.substring("page=".length()));
            }
        }
        return new RegionTable(new PageSize(pageBytes), List.of(new RegionTable.Entry(0, pages)));
    }

    private static ServerConfig config(List<String> arguments) {
        Endpoint listen = Endpoint.parse("127.0.0.1:0");
        Link link = null;
        long cap = 0;
        WaitPolicy waiting = WaitPolicy.BLOCK;
        for (String argument : arguments) {
            String value = argument.substring(argument.indexOf('=') + 1);
            switch (argument.substring(0, argument.indexOf('='))) {
                case "listen" -> listen = Endpoint.parse(value);
                case "page" -> {} // of the memory
                case "cap" -> cap = Long.parseLong(value);
                case "link" -> link = Link.parse(value);
                case "wait" -> waiting = WaitPolicy.valueOf(value);
                default -> throw new IllegalArgumentException(argument);
            }
        }
        return ServerConfig.at(listen)
                .withLink(link)
                .withMaxBytesPerSecond(cap)
                .withPlacement(new Placement(List.of(), waiting));
    }

    private static void serve(ServerConfig config, PageSource source) throws IOException {
        try (PageServer server = PageServer.serve(config, source, new ServerListener() {})) {
            System.out.println(server.endpoint());
            while (System.in.read() >= 0) {
                // Nothing is said; the end of input is what counts.
            }
        }
    }

    /** Any number of zero pages. */
    private record ZeroPages(RegionTable regions) implements PageSource {
        @Override
        public PageRun describe(int region, long firstPage, int maxPages) {
            return PageRun.zero((int) Math.min(maxPages, regions.totalPages() - firstPage));
        }

        @Override
        public void read(int region, long firstPage, int count, ByteBuffer dst) {
            for (int i = 0; i < count * regions.pageSize().bytes(); i++) {
                dst.put((byte) 0);
            }
        }

        @Override
        public String description() {
            return "zero pages";
        }

        @Override
        public void close() {
            // Holds nothing.
        }
    }
}

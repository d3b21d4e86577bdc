package org.userload.benchmark;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.pack.Compression;
import org.userload.source.LivePageSource;
import org.userload.source.PageEncoding;
import org.userload.source.PageServer;
import org.userload.source.ServerConfig;
import org.userload.source.ServerListener;
import org.userload.transport.Endpoint;
import org.userload.transport.Link;

/**
 * Pages per second of the stream, as they are and compressed, for several kinds of memory and links; source and
 * destination in this process. The compressions take turns. Arguments: links, or {@code none}.
 */
public final class PackedStream {
    private static final int PAGES = 8192;
    private static final int WARM_UP = 3;
    private static final int ROUNDS = 5;

    private PackedStream() {}

    public static void main(String[] arguments) throws Exception {
        Map<String, ByteBuffer> contents = new LinkedHashMap<>();
        contents.put("text", MemoryContents.text(PAGES));
        contents.put("sparse", MemoryContents.sparse(PAGES));
        contents.put("random", MemoryContents.random(PAGES));
        System.out.println("| link | content | none, pages/ms | zstd | lz4 | zstd / none | lz4 / none |");
        System.out.println("|---|---|---|---|---|---|---|");
        for (String link : arguments.length == 0 ? new String[] {"none", "10gbit", "1gbit"} : arguments) {
            for (Map.Entry<String, ByteBuffer> content : contents.entrySet()) {
                measure(link, content.getKey(), content.getValue());
            }
        }
    }

    private static void measure(String link, String name, ByteBuffer content) throws Exception {
        Link emulated = link.equals("none") ? null : Link.parse(link);
        Compression[] codecs = {Compression.NONE, Compression.ZSTD, Compression.LZ4};
        double[][] rates = new double[codecs.length][ROUNDS];
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(PAGES))) {
            memory.put(0, content.duplicate());
            for (int round = -WARM_UP; round < ROUNDS; round++) {
                for (int codec = 0; codec < codecs.length; codec++) {
                    double rate = pagesPerMilli(memory, emulated, codecs[codec]);
                    if (round >= 0) {
                        rates[codec][round] = rate;
                    }
                }
            }
        }
        Spread[] spreads = Arrays.stream(rates).map(Spread::of).toArray(Spread[]::new);
        System.out.printf(
                "| %s | %s | %s | %s | %s | %.2f | %.2f |%n",
                link,
                name,
                spreads[0].text(0),
                spreads[1].text(0),
                spreads[2].text(0),
                spreads[1].median() / spreads[0].median(),
                spreads[2].median() / spreads[0].median());
    }

    private static double pagesPerMilli(GuestMemory memory, @Nullable Link link, Compression codec) throws Exception {
        ServerConfig config =
                ServerConfig.at(Endpoint.parse("127.0.0.1:0")).withLink(link).withEncoding(new PageEncoding(codec, 0));
        try (PageServer server =
                        PageServer.serve(config, new LivePageSource(memory, "benchmark"), new ServerListener() {});
                Destination destination = Destination.open(
                        DestinationConfig.from(server.endpoint()).withLink(link).withStreamAtOnce(false))) {
            long start = System.nanoTime();
            destination.startStream();
            destination.completion().get(60, TimeUnit.SECONDS);
            return PAGES * 1e6 / (destination.completedAtNanos() - start);
        }
    }
}

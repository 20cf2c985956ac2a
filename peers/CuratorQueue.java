import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueConsumer;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.ExponentialBackoffRetry;

/**
 * Measures Curator's DistributedQueue with a lock path on the ensemble of PEERS_SERVER, below
 * the znode PEERS_BELOW. It prints one line of JSON for each figure. README.md has the settings.
 */
public class CuratorQueue {
    static final int CONSUMERS = 8;
    static final int PATIENCE = 60; // seconds for one state
    static final int WARM_UP = 5; // of the items one at a time, these do not count

    static final QueueSerializer<String> SERIALIZER = new QueueSerializer<>() {
        @Override public byte[] serialize(String item) { return item.getBytes(); }
        @Override public String deserialize(byte[] bytes) { return new String(bytes); }
    };

    static final QueueConsumer<String> NOTHING = new QueueConsumer<>() {
        @Override public void consumeMessage(String item) { }
        @Override public void stateChanged(CuratorFramework client, ConnectionState state) { }
    };

    static int number(String name) { return Integer.parseInt(System.getenv("PEERS_" + name)); }

    /** The name of Curator's library that has the version in it. Debian has it under two names. */
    static String archive() throws Exception {
        Path used = Path.of(CuratorFramework.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        try (DirectoryStream<Path> named = Files.newDirectoryStream(used.getParent(), "curator-framework-*.jar")) {
            for (Path path : named) if (Files.isSameFile(path, used)) return path.getFileName().toString();
        }
        return used.getFileName().toString();
    }

    static CuratorFramework connect() throws Exception {
        CuratorFramework client = CuratorFrameworkFactory.newClient(System.getenv("PEERS_SERVER"), new ExponentialBackoffRetry(100, 3));
        client.start();
        if (!client.blockUntilConnected(PATIENCE, TimeUnit.SECONDS)) throw new IllegalStateException("no server of " + System.getenv("PEERS_SERVER") + " answers");
        return client;
    }

    /** A queue that only takes items in. */
    static DistributedQueue<String> producer(CuratorFramework client, String path, boolean background) throws Exception {
        DistributedQueue<String> queue = QueueBuilder.<String>builder(client, null, SERIALIZER, path).putInBackground(background).buildQueue();
        queue.start();
        return queue;
    }

    static DistributedQueue<String> consumer(CuratorFramework client, String path) {
        return QueueBuilder.builder(client, NOTHING, SERIALIZER, path).lockPath(path + "-locks").buildQueue();
    }

    static int size(CuratorFramework client, String path) throws Exception { return client.checkExists().forPath(path).getNumChildren(); }

    static double since(long began) { return (System.nanoTime() - began) / 1e9; }

    /** Puts items in the background, and returns the seconds until all are there. */
    static double put(CuratorFramework client, String path, int n) throws Exception {
        DistributedQueue<String> queue = producer(client, path, true);
        long began = System.nanoTime();
        for (int i = 0; i < n; i++) queue.put("item-" + i);
        queue.flushPuts(PATIENCE, TimeUnit.SECONDS);
        while (size(client, path) < n) {
            if (since(began) > PATIENCE) throw new IllegalStateException(size(client, path) + " of " + n + " items are there after " + PATIENCE + " s");
            Thread.sleep(2);
        }
        double took = since(began);
        queue.close();
        return took;
    }

    /** Prints the rate until the queue is empty, or the window is over. */
    static void drain(CuratorFramework client, String path, int waiting, int window) throws Exception {
        List<CuratorFramework> clients = new ArrayList<>();
        List<DistributedQueue<String>> queues = new ArrayList<>();
        for (int i = 0; i < CONSUMERS; i++) {
            CuratorFramework c = connect();
            clients.add(c);
            queues.add(consumer(c, path));
        }
        long began = System.nanoTime();
        for (DistributedQueue<String> q : queues) q.start();
        while (size(client, path) > 0 && since(began) < window) Thread.sleep(5);
        int done = waiting - size(client, path);
        double took = since(began);
        for (DistributedQueue<String> q : queues) q.close();
        for (CuratorFramework c : clients) c.close();
        System.out.printf(Locale.ROOT, "{\"what\":\"drain\",\"setting\":\"%d consumers, %d s at most\",\"waiting\":%d,\"tasks\":%d,\"seconds\":%f}%n", CONSUMERS, window, waiting, done, took);
    }

    /** Prints how long one item takes on an idle queue, from put until the producer sees it gone. The queue has no results. */
    static void lone(CuratorFramework client, String path, int n) throws Exception {
        CuratorFramework other = connect();
        DistributedQueue<String> in = producer(client, path, false), out = consumer(other, path);
        out.start();
        Thread.sleep(500);
        double[] took = new double[n];
        for (int i = -WARM_UP; i < n; i++) {
            Thread.sleep(30);
            long began = System.nanoTime();
            in.put("item");
            while (size(client, path) > 0) {
                if (since(began) > PATIENCE) throw new IllegalStateException("an item is there after " + PATIENCE + " s");
                Thread.sleep(0, 200_000);
            }
            if (i >= 0) took[i] = since(began);
        }
        out.close();
        in.close();
        other.close();
        Arrays.sort(took);
        System.out.printf(Locale.ROOT, "{\"what\":\"lone\",\"setting\":\"no result\",\"tasks\":%d,\"seconds\":%f}%n", n, took[n / 2]);
    }

    public static void main(String[] args) throws Exception {
        String below = System.getenv("PEERS_BELOW");
        System.out.printf("{\"what\":\"server\",\"setting\":\"%s, Java %d\"}%n", archive(), Runtime.version().feature());
        CuratorFramework client = connect();
        int tasks = number("TASKS"), few = number("FEW");
        System.out.printf(Locale.ROOT, "{\"what\":\"submit\",\"setting\":\"in the background\",\"tasks\":%d,\"seconds\":%f}%n", tasks, put(client, below + "/many", tasks));
        put(client, below + "/few", few);
        drain(client, below + "/few", few, number("WINDOW"));
        lone(client, below + "/lone", number("LONE"));
        client.close();
        System.exit(0);
    }
}

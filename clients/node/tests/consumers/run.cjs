// Creates a session with the installed package, and prints what the next request finds.
module.exports = async function run(jrsSession, createClient) {
  const client = createClient({ socket: { host: "127.0.0.1", port: Number(process.argv[2]) } });
  await client.connect();
  const middleware = jrsSession({ client });
  const requestSession = (headers) => {
    const request = { headers };
    return new Promise((resolve, reject) => {
      middleware(request, {}, (error) => (error ? reject(error) : resolve(request.session)));
    });
  };
  const session = await requestSession({});
  session.owner = "ann";
  session.greeting = "hello";
  const token = await session.create();
  const { owner, greeting } = await requestSession({ "x-access-token": token });
  console.log(`${owner} ${greeting}`);
  client.destroy();
};

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DockerfileError, imageOf, parseDockerfile, readDockerfile, readPython } from '../../kubelet-sim/dockerfile.ts'

// The application of the first seed, as its reader types it in.
const flask = `# app.py
from flask import Flask
app = Flask(__name__)

@app.route("/")
def hello():
    return "Hello World, from Dockers and Kubernetes!"

if __name__ == "__main__":
    app.run(host="0.0.0.0", port=5000)
`
const dockerfile = `# Dockerfile
FROM python:3.10.6

WORKDIR /app
COPY app.py /app

RUN pip install Flask

CMD ["python", "app.py"]
`

describe('an image is read from its Dockerfile', () => {
  let dir = ''
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'kubesim-'))
    writeFileSync(join(dir, 'Dockerfile'), dockerfile)
    writeFileSync(join(dir, 'app.py'), flask)
  })
  afterAll(() => rmSync(dir, { recursive: true }))

  test('the flask application', async () => {
    expect(await readDockerfile(dir, 'flask-app')).toEqual({
      name: 'flask-app',
      ports: [5000],
      command: ['python', 'app.py'],
      workdir: '/app',
      routes: { '/': 'Hello World, from Dockers and Kubernetes!' },
      prints: [
        " * Serving Flask app 'app'",
        ' * Debug mode: off',
        ' * Running on all addresses (0.0.0.0)',
        ' * Running on http://127.0.0.1:5000',
      ],
      size: 378_000_000,
    })
  })

  test('no Dockerfile: ENOENT, and the path', async () => {
    await expect(readDockerfile(join(dir, 'nowhere'), 'x')).rejects.toMatchObject({
      code: 'ENOENT',
      path: join(dir, 'nowhere', 'Dockerfile'),
    })
  })
})

test('uvicorn names its port and its module', () => {
  const stage = parseDockerfile(`FROM python:3.13-slim
WORKDIR /usr/src/app
COPY . .
EXPOSE 8080
CMD ["uvicorn", "app.main:app", "--host", "0.0.0.0", "--port", "8080"]`)
  const scripts = new Map([
    ['app/main.py', 'app = FastAPI()\n@app.get("/")\nasync def root():\n    return {"message": "Hello"}\n'],
  ])
  expect(imageOf('my-registry/my-app:v1', stage, scripts)).toMatchObject({
    ports: [8080],
    routes: { '/': '{"message":"Hello"}' },
  })
})

test('continuations, comments, ENV and LABEL in both spellings, ARG, several stages', () => {
  const stage = parseDockerfile(`ARG VERSION=20
FROM node:$VERSION AS build
RUN npm ci && \\
    # a comment inside
    npm run build
FROM nginx:1.27
ENV A=1 B="two words" C='$A'
ENV LEGACY one two
LABEL kubesim.dev/body="it's built" \\
      "other.label"=x
COPY --from=build /dist /usr/share/nginx/html
EXPOSE 8080/tcp 53/udp 9000
`)
  expect(stage).toMatchObject({
    from: 'nginx:1.27',
    ports: [8080, 9000],
    env: { A: '1', B: 'two words', C: '$A', LEGACY: 'one two' },
    labels: { 'kubesim.dev/body': "it's built", 'other.label': 'x' },
    copies: [],
  })
  expect(imageOf('site', stage, new Map())).toMatchObject({
    ports: [8080, 9000],
    routes: { '/': expect.stringContaining('Welcome') },
  })
})

test.each([
  ['', 'the Dockerfile has no FROM'],
  ['RUN x', 'Dockerfile line 1: RUN comes before FROM'],
  ['FROM a\n\nRUNN x', 'Dockerfile line 3: unknown instruction: RUNN'],
  ['FROM a\nCMD [python]', 'Dockerfile line 2: not a list of strings in JSON: [python]'],
])('%j is refused', (text, message) => {
  expect(() => parseDockerfile(text)).toThrow(new DockerfileError(message))
})

test('Flask routes', () => {
  expect(
    readPython(`from flask import Flask, jsonify
app = Flask(__name__)
@app.route('/')
def index():
    return 'it\\'s me\\n'

@app.route("/api", methods=["GET"])
def api():
    return jsonify({'ok': True, "n": 1}), 200

@app.route("/users/<name>")
def user(name):
    return f"hello {name}"

app.run(port=int(os.environ.get("PORT", 8081)))
`),
  ).toEqual({
    framework: 'flask',
    routes: { '/': "it's me\n", '/api': '{"ok":true,"n":1}', '/users/<name>': '' },
    port: 8081,
  })
  expect(readPython('print("hi")')).toBeUndefined()
})
